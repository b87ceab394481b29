package dev.culebra.backend;

import java.util.Arrays;

/**
 * What an operation must give.
 *
 * @param values the exact elements
 * @param magnitudes of each element, the sum of the magnitudes of its terms; 0 where the element
 *     must equal its value after one rounding
 * @param terms how many each element is the sum of
 * @param stored of each element, the sum of the magnitudes of those terms, or of numbers on the way
 *     to it, that an operation in BF16 may round to BF16 before the element itself
 */
record Expected(double[] values, double[] magnitudes, int terms, double[] stored) {

  /** Nothing is stored on the way. */
  Expected(double[] values, double[] magnitudes, int terms) {
    this(values, magnitudes, terms, new double[values.length]);
  }

  /** Every element is its value, rounded once. */
  static Expected exactly(double[] values) {
    return new Expected(values, new double[values.length], 1);
  }

  /** Every token is this one. */
  static Expected exactly(int[] values) {
    return exactly(Arrays.stream(values).asDoubleStream().toArray());
  }

  /** All elements have the same magnitude. */
  static Expected of(double[] values, double magnitude, int terms) {
    double[] magnitudes = new double[values.length];
    Arrays.fill(magnitudes, magnitude);
    return new Expected(values, magnitudes, terms);
  }

  /** The gradient {@code added} on top of {@code start}. */
  static Expected added(float[] start, double[] added, double[] magnitudes, int terms) {
    double[] exact = Numbers.widened(start);
    return new Expected(
        ReferenceOps.add(exact, added),
        ReferenceOps.add(Numbers.magnitudes(exact), magnitudes),
        terms + 1);
  }
}
