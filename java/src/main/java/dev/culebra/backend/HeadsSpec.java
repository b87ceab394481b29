package dev.culebra.backend;

/**
 * The heads of an attention, and how queries and keys are prepared.
 *
 * @param heads of the queries
 * @param kvHeads of keys and values, a divisor of {@code heads}; each serves a group of heads
 *     (Ainslie et al., "GQA", 2023)
 * @param normalised whether each query and key is divided by its root mean square (Henry et al.,
 *     "Query-key normalization for Transformers", 2020)
 * @param epsilon added to the mean square; above 0
 * @param rotation how they are rotated by their position
 */
public record HeadsSpec(
    int heads, int kvHeads, boolean normalised, float epsilon, Rotation rotation) {
  /**
   * @throws IllegalArgumentException if {@code kvHeads} does not divide {@code heads}, or {@code
   *     epsilon} is not above 0
   */
  public HeadsSpec {
    if (kvHeads < 1 || heads < 1 || heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "kvHeads must divide heads: %d kvHeads, %d heads".formatted(kvHeads, heads));
    }
    if (!(epsilon > 0)) {
      throw new IllegalArgumentException("epsilon must be above 0, not " + epsilon);
    }
  }

  /** With the usual ε and, if {@code rotary}, the usual angles. */
  public HeadsSpec(int heads, int kvHeads, boolean normalised, boolean rotary) {
    this(
        heads,
        kvHeads,
        normalised,
        LayerNormOp.USUAL_EPSILON,
        rotary ? Rotation.USUAL : Rotation.NONE);
  }

  /** Whether queries and keys are rotated. */
  public boolean rotary() {
    return !rotation.isNone();
  }

  /** Whether there is nothing to do. */
  public boolean isPlain() {
    return kvHeads == heads && !normalised && !rotary();
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
