package dev.culebra.bench;

import java.util.Arrays;

/** The median of a sample. */
public final class Median {
  private Median() {}

  /** The middle value, or the mean of the two in the middle. */
  public static double of(long[] values) {
    return of(Arrays.stream(values).asDoubleStream().toArray());
  }

  /** The middle value, or the mean of the two in the middle. */
  public static double of(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }
}
