package dev.culebra.backend;

import dev.culebra.random.RandomStream;
import java.util.Arrays;

/** Arrays for tests. */
final class Numbers {
  private Numbers() {}

  /**
   * Nearly normal numbers, mean 0, variance 1, between −3 and 3: sums of three uniform numbers,
   * which are faster to draw.
   */
  static float[] normal(RandomStream random, int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = 2 * (random.nextFloat() + random.nextFloat() + random.nextFloat()) - 3;
    }
    return values;
  }

  /** Uniform integers in [0, bound). */
  static int[] below(RandomStream random, int length, int bound) {
    int[] values = new int[length];
    for (int i = 0; i < length; i++) {
      values[i] = random.nextInt(bound);
    }
    return values;
  }

  static float[] times(float[] values, float factor) {
    float[] scaled = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      scaled[i] = values[i] * factor;
    }
    return scaled;
  }

  static double[] widened(float[] values) {
    if (values == null) {
      return null;
    }
    double[] wide = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  static float[] rounded(double[] values) {
    float[] narrow = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      narrow[i] = (float) values[i];
    }
    return narrow;
  }

  static double[] magnitudes(double[] values) {
    return values == null ? null : Arrays.stream(values).map(Math::abs).toArray();
  }

  static double largest(double[] values) {
    return Arrays.stream(values).map(Math::abs).max().orElse(0);
  }
}
