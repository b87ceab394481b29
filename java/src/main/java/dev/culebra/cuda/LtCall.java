package dev.culebra.cuda;

/**
 * A product by cublasLt: C = epilogue(op(A) · op(B) + beta · C).
 *
 * @param gemm the product; all its addresses are multiples of {@link #ALIGNMENT}
 * @param epilogue what follows it
 * @param bias address of m elements of C's type, a multiple of {@link #ALIGNMENT}; 0 for none
 * @param auxiliary address of a matrix as C, a multiple of {@link #ALIGNMENT}; 0 for none
 */
public record LtCall(GemmCall gemm, LtEpilogue epilogue, long bias, long auxiliary) {
  /**
   * Of all addresses, in bytes. It is all that cublasLt is told of them, so that its choice, and
   * with it the bits of a result, do not depend on where a tensor happens to lie.
   */
  public static final int ALIGNMENT = 16;

  /** For messages. */
  @Override
  public String toString() {
    return "%s, %s".formatted(gemm, epilogue);
  }
}
