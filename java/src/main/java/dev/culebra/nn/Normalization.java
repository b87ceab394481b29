package dev.culebra.nn;

/** How rows are normalised before each half of a block. */
public enum Normalization {
  /** Mean 0 and variance 1 (Ba, Kiros, Hinton, 2016). */
  LAYER,
  /** Root mean square 1, without a bias (Zhang and Sennrich, 2019). */
  RMS;

  @Override
  public String toString() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
