package dev.culebra.nn;

/** How a model encodes positions. */
public enum Positions {
  /** A trained table of positions is added to the embedding, as in GPT-2. */
  LEARNED,
  /**
   * Queries and keys are rotated by an angle proportional to the position, so that their product
   * depends on the distance (Su et al., "RoFormer", 2021).
   */
  ROTARY;

  @Override
  public String toString() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
