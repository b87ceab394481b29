package dev.culebra.tensor;

import java.util.Arrays;
import java.util.stream.Collectors;

/** Dimensions of a tensor, outermost first, row-major. Immutable. */
public final class Shape {
  private final int[] dims;
  private final long elements;

  private Shape(int[] dims) {
    long product = 1;
    for (int dim : dims) {
      if (dim < 1) {
        throw new IllegalArgumentException(
            "dimensions must be at least 1: " + Arrays.toString(dims));
      }
      product = Math.multiplyExact(product, (long) dim);
    }
    this.dims = dims;
    this.elements = product;
  }

  /**
   * A shape with the given dimensions.
   *
   * @throws IllegalArgumentException if a dimension is below 1
   * @throws ArithmeticException if the number of elements exceeds a long
   */
  public static Shape of(int... dims) {
    return new Shape(dims.clone());
  }

  /** Number of dimensions. */
  public int rank() {
    return dims.length;
  }

  /** Dimension {@code i}; a negative {@code i} counts from the innermost, −1 being the last. */
  public int dim(int i) {
    return dims[i < 0 ? dims.length + i : i];
  }

  /** Product of all dimensions. */
  public long elements() {
    return elements;
  }

  /** Number of rows when all but the innermost dimension are folded into one. */
  public int rows() {
    return Math.toIntExact(elements / dim(-1));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  /** For example {@code (12, 64, 128)}. */
  @Override
  public String toString() {
    return Arrays.stream(dims)
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(", ", "(", ")"));
  }
}
