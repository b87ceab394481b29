package dev.culebra.backend;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;

/**
 * The building blocks of the checks in {@link Op}. {@code op} is the operation's name; a tensor's
 * name includes its dimensions, {@code weight (OC, IC)}. A check that fails throws {@link
 * IllegalArgumentException}; one that passes allocates nothing.
 */
final class TensorChecks {
  private TensorChecks() {}

  /** Product of all dimensions except the innermost. */
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

  /** A tensor of {@code length} elements; the length comes from {@code other}. */
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

  /** Heads that divide the width of {@code out}. */
  static void headsDivide(String op, int heads, String outName, Tensor out) {
    if (heads < 1 || width(out) % heads != 0) {
      throw new IllegalArgumentException(
          "%s: %d heads do not divide the width of %s = %s".formatted(op, heads, outName, out));
    }
  }

  /** One number per row and head: (B, heads, T) for (B, T, …). */
  static void perHead(
      String op, String name, Tensor tensor, String otherName, Tensor other, int heads) {
    typed(op, name, tensor, DType.F32, 3);
    Shape shape = tensor.shape();
    boolean fits =
        shape.dim(0) == other.shape().dim(0)
            && shape.dim(1) == heads
            && shape.dim(2) == other.shape().dim(1);
    if (!fits) {
      throw new IllegalArgumentException(
          "%s: %s = %s does not fit %s = %s with %d heads"
              .formatted(op, name, tensor, otherName, other, heads));
    }
  }

  static void vocabFits(String op, int vocab, Tensor logits) {
    if (vocab < 1 || vocab > width(logits)) {
      throw new IllegalArgumentException(
          "%s: vocab %d does not fit logits (N, ≥ vocab) = %s".formatted(op, vocab, logits));
    }
  }

  /**
   * Weights that an optimizer copies from its values; null on an F32 backend, where they are the
   * same.
   */
  static void copiedWeights(String op, DType dtype, Tensor weights, Tensor values) {
    if (dtype == DType.F32) {
      require(op, weights == null, "weights must be null if the backend's dtype is F32");
    } else {
      vector(op, "weights", weights, dtype, values.elements(), "values", values);
    }
  }

  static void clipping(String op, Tensor gradientNorm, float maxNorm) {
    require(op, maxNorm >= 0, "maxNorm must be 0 (off) or more");
    require(
        op, gradientNorm != null || maxNorm == 0, "gradientNorm may be null only if maxNorm is 0");
    if (gradientNorm != null) {
      scalar(op, "gradientNorm (1)", gradientNorm, DType.F32);
    }
  }
}
