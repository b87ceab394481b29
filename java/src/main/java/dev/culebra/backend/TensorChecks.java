package dev.culebra.backend;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/**
 * What {@link OpChecks} is made of. {@code op} is the operation's name; a tensor's name comes with
 * its dimensions, {@code weight (OC, IC)}. A check that fails throws {@link
 * IllegalArgumentException}; one that holds allocates nothing.
 */
final class TensorChecks {
  private TensorChecks() {}

  /** Product of all dimensions but the innermost. */
  static long rows(Tensor tensor) {
    return tensor.elements() / width(tensor);
  }

  static int width(Tensor tensor) {
    return tensor.shape().dim(-1);
  }

  static void typed(String op, String name, Tensor tensor, DType dtype) {
    present(op, name, tensor);
    if (tensor.dtype() != dtype || tensor.shape().rank() == 0) {
      throw new IllegalArgumentException(
          "%s: %s must be %s, not %s".formatted(op, name, dtype, tensor));
    }
  }

  static void typed(String op, String name, Tensor tensor, DType dtype, int rank) {
    typed(op, name, tensor, dtype);
    if (tensor.shape().rank() != rank) {
      throw new IllegalArgumentException(
          "%s: %s must have %d dimensions, not %s".formatted(op, name, rank, tensor));
    }
  }

  static void scalar(String op, String name, Tensor tensor, DType dtype) {
    typed(op, name, tensor, dtype);
    if (tensor.elements() != 1) {
      throw new IllegalArgumentException(
          "%s: %s must have one element, not %s".formatted(op, name, tensor));
    }
  }

  /** A tensor of {@code length} elements, the length taken from {@code other}. */
  static void vector(
      String op,
      String name,
      Tensor tensor,
      DType dtype,
      long length,
      String otherName,
      Tensor other) {
    typed(op, name, tensor, dtype);
    fit(op, tensor.elements() == length, name, tensor, otherName, other);
  }

  static void vectorOrNull(
      String op,
      String name,
      Tensor tensor,
      DType dtype,
      long length,
      String otherName,
      Tensor other) {
    if (tensor != null) {
      vector(op, name, tensor, dtype, length, otherName, other);
    }
  }

  /** A tensor of the same type, rows and width as {@code other}. */
  static void same(String op, String name, Tensor tensor, String otherName, Tensor other) {
    typed(op, name, tensor, other.dtype());
    alike(op, name, tensor, otherName, other);
  }

  /** The same rows and width as {@code other}. */
  static void alike(String op, String name, Tensor tensor, String otherName, Tensor other) {
    boolean fits = rows(tensor) == rows(other) && width(tensor) == width(other);
    fit(op, fits, name, tensor, otherName, other);
  }

  static void fit(
      String op, boolean fits, String name, Tensor tensor, String otherName, Tensor other) {
    if (!fits) {
      throw new IllegalArgumentException(
          "%s: %s = %s does not fit %s = %s".formatted(op, name, tensor, otherName, other));
    }
  }

  static void present(String op, String name, Object argument) {
    if (argument == null) {
      throw new IllegalArgumentException("%s: %s is missing".formatted(op, name));
    }
  }

  static void require(String op, boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(op + ": " + message);
    }
  }
}
