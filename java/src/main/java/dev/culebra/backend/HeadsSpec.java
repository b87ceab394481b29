package dev.culebra.backend;

/**
 * The heads of an attention, and how queries and keys are prepared.
 *
 * @param heads of the queries
 * @param kvHeads of keys and values, a divisor of {@code heads}; each serves a group of heads
 *     (Ainslie et al., "GQA", 2023)
 * @param normalised whether each query and key is divided by its root mean square (Henry et al.,
 *     "Query-key normalization for Transformers", 2020; here without a learned scale)
 * @param rotary whether they are rotated by their position (Su et al., "RoFormer", 2021)
 */
public record HeadsSpec(int heads, int kvHeads, boolean normalised, boolean rotary) {
  /**
   * @throws IllegalArgumentException if {@code kvHeads} does not divide {@code heads}
   */
  public HeadsSpec {
    if (kvHeads < 1 || heads < 1 || heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "kvHeads must divide heads: %d kvHeads, %d heads".formatted(kvHeads, heads));
    }
  }

  /** Whether there is nothing to do. */
  public boolean isPlain() {
    return kvHeads == heads && !normalised && !rotary;
  }

  /** Query heads per key head. */
  public int groupSize() {
    return heads / kvHeads;
  }

  /**
   * Heads in a row of the projection: queries, keys and values, before the shared ones are
   * repeated.
   */
  public int projected() {
    return heads + 2 * kvHeads;
  }
}
