package dev.culebra.cuda;

/**
 * What cublasLt computes from an element x of A · B + beta · C, in single precision, before
 * rounding it to C; the numbers are those of cublasLtEpilogue_t. GELU is the tanh form. A bias has
 * an element per row of C; an auxiliary matrix has the shape of C and the same distance between
 * columns.
 */
public enum LtEpilogue {
  /** x. */
  NONE(1),
  /** x + bias. */
  BIAS(4),
  /** GELU(x). */
  GELU(32),
  /** GELU(x + bias). */
  GELU_BIAS(36),
  /** GELU(x); the auxiliary matrix becomes x, rounded. */
  GELU_AUX(160),
  /** GELU(x + bias); the auxiliary matrix becomes x + bias, rounded. */
  GELU_AUX_BIAS(164),
  /** x · GELU′(auxiliary). */
  DGELU(192);

  private static final int BIAS_FLAG = 4;
  private static final int AUXILIARY_FLAG = 128;

  private final int number;

  LtEpilogue(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }

  /** Whether it reads a bias. */
  public boolean hasBias() {
    return (number & BIAS_FLAG) != 0;
  }

  /** Whether it reads or writes an auxiliary matrix. */
  public boolean hasAuxiliary() {
    return (number & AUXILIARY_FLAG) != 0;
  }
}
