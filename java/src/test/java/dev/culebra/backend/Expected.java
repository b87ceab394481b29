package dev.culebra.backend;

import java.util.Arrays;

/**
 * The expected result of an operation.
 *
 * @param values the exact elements
 * @param magnitudes for each element, the sum of the magnitudes of its terms; 0 if the element must
 *     equal its value after one rounding
 * @param terms number of terms of each element
 * @param stored for each element, the sum of the magnitudes of those terms or intermediate results
 *     that a BF16 operation may round to BF16 before the element itself
 */
record Expected(double[] values, double[] magnitudes, int terms, double[] stored) {

  /** Nothing is stored in between. */
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
