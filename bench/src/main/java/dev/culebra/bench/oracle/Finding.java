package dev.culebra.bench.oracle;

/**
 * One comparison.
 *
 * @param subject what was compared: {@code h.0.ln_1.weight}
 * @param tolerance the limit that applies
 * @param error relative: ‖ours − PyTorch‖ / ‖PyTorch‖
 */
record Finding(String subject, Tolerance tolerance, double error) {
  boolean passes() {
    return error <= tolerance.limit(); // false for NaN
  }

  /** Compares two vectors of equal length; if the expected one is 0, the error is absolute. */
  static Finding of(String subject, Tolerance tolerance, float[] actual, float[] expected) {
    if (actual.length != expected.length) {
      throw new IllegalArgumentException(
          "%s has %d elements here and %d there"
              .formatted(subject, actual.length, expected.length));
    }
    double difference = 0;
    double size = 0;
    for (int i = 0; i < actual.length; i++) {
      double d = (double) actual[i] - expected[i];
      difference += d * d;
      size += (double) expected[i] * expected[i];
    }
    double error = Math.sqrt(difference);
    return new Finding(subject, tolerance, size == 0 ? error : error / Math.sqrt(size));
  }
}
