package dev.culebra.backend;

/**
 * The angles of rotary positions: at position p, columns i and i + D/2 of a query or key are
 * rotated by p · θ^(−2i/D), θ = {@code theta} (Su et al., "RoFormer", 2021).
 *
 * @param theta base of the frequencies; 0 for no rotation
 * @param scaling change of the frequencies
 */
public record Rotation(double theta, RopeScaling scaling) {
  /** No rotation. */
  public static final Rotation NONE = new Rotation(0, RopeScaling.NONE);

  /** θ of the paper and of most models. */
  public static final float USUAL_THETA = 10_000;

  /** The paper's. */
  public static final Rotation USUAL = new Rotation(USUAL_THETA, RopeScaling.NONE);

  /**
   * @throws IllegalArgumentException if {@code theta} is below 0
   */
  public Rotation {
    if (!(theta >= 0 && Double.isFinite(theta))) {
      throw new IllegalArgumentException("theta must be 0 or more, not " + theta);
    }
  }

  /** Whether nothing is rotated. */
  public boolean isNone() {
    return theta == 0;
  }

  /** The angle from one position to the next of pair {@code pair} of a head of {@code size}. */
  public double frequency(int pair, int size) {
    double frequency = Math.pow(theta, -2.0 * pair / size);
    return frequency * scaling.kept(frequency / (2 * Math.PI));
  }
}
