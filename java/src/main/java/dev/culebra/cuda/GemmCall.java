package dev.culebra.cuda;

/**
 * A matrix product in cuBLAS's terms: C = op(A) · op(B) + beta · C, all column-major; op is the
 * transpose or the identity.
 *
 * @param transposeA whether A is read transposed
 * @param transposeB whether B is read transposed
 * @param m rows of C
 * @param n columns of C
 * @param k length of the sums
 * @param a address of A
 * @param lda distance between the columns of A
 * @param inputs type of A and B
 * @param b address of B
 * @param ldb distance between the columns of B
 * @param beta 0 to overwrite C, 1 to add to it
 * @param c address of C
 * @param ldc distance between the columns of C
 * @param output type of C
 * @param precision of products of F32 inputs; products of other types are always {@link
 *     Precision#FULL} in single precision, and so are sums
 */
public record GemmCall(
    boolean transposeA,
    boolean transposeB,
    int m,
    int n,
    int k,
    long a,
    int lda,
    MatrixType inputs,
    long b,
    int ldb,
    float beta,
    long c,
    int ldc,
    MatrixType output,
    Precision precision) {

  public GemmCall {
    if (inputs != MatrixType.F32) {
      precision = Precision.FULL;
    }
  }

  /** How exactly single-precision inputs are multiplied. */
  public enum Precision {
    /** In single precision. */
    FULL(68),
    /** Rounded to 10 bits of significand, on tensor cores. */
    TF32(77);

    private final int number;

    Precision(int number) {
      this.number = number;
    }

    /** Its number in cublasComputeType_t. */
    int number() {
      return number;
    }
  }

  /** For messages. */
  @Override
  public String toString() {
    return "%d×%d×%d, %s to %s".formatted(m, n, k, inputs, output);
  }
}
