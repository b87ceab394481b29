package dev.culebra.nn;

/** How a model knows where a token stands. */
public enum Positions {
  /** A table of positions, trained, is added to the embedding: GPT-2. */
  LEARNED,
  /**
   * Queries and keys are turned by an angle that grows with the position, so that their product
   * depends on the distance (Su et al., "RoFormer", 2021).
   */
  ROTARY;

  @Override
  public String toString() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
