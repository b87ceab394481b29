package dev.culebra.cuda;

/**
 * A product for cublasLt: C = epilogue(op(A) · op(B) + beta · C).
 *
 * @param gemm the product; all its addresses are multiples of {@link #ALIGNMENT}
 * @param epilogue the operation after it
 * @param bias address of m elements of C's type, a multiple of {@link #ALIGNMENT}; 0 for none
 * @param auxiliary address of a matrix like C, a multiple of {@link #ALIGNMENT}; 0 for none
 */
public record LtCall(GemmCall gemm, LtEpilogue epilogue, long bias, long auxiliary) {
  /**
   * Of all addresses, in bytes. cublasLt gets no other information about them, so that its choice,
   * and with it the bits of a result, do not depend on the address of a tensor.
   */
  public static final int ALIGNMENT = 16;

  /** For messages. */
  @Override
  public String toString() {
    return "%s, %s".formatted(gemm, epilogue);
  }
}
