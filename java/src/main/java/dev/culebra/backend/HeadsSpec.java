package dev.culebra.backend;

/**
 * The heads of an attention, and what becomes of queries and keys before it.
 *
 * @param heads of the queries
 * @param kvHeads of keys and values, a divisor of {@code heads}; each serves as many heads (Ainslie
 *     et al., "GQA", 2023)
 * @param normalised whether each query and key is divided by its root mean square (Henry et al.,
 *     "Query-key normalization for Transformers", 2020; here without a learned scale)
 * @param rotary whether they are turned by their position (Su et al., "RoFormer", 2021)
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

  /** Whether anything is to be done at all. */
  public boolean isPlain() {
    return kvHeads == heads && !normalised && !rotary;
  }

  /** Heads of queries that share a key. */
  public int groupSize() {
    return heads / kvHeads;
  }

  /** Heads of a row before the shared ones are repeated: queries, keys, values. */
  public int projected() {
    return heads + 2 * kvHeads;
  }
}
