package dev.culebra.backend.cuda;

import dev.culebra.backend.MuonStep;
import dev.culebra.cuda.Blas;
import dev.culebra.cuda.GemmCall;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.cuda.MatrixType;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/**
 * Launches {@code muon.cu}, and the matrix products of its Newton–Schulz steps by cuBLAS.
 *
 * <p>cuBLAS counts matrices column by column, so it sees Xᵀ (C, R) for a matrix X (R, C). The
 * square ones are their own transposes.
 */
final class MuonKernel {
  /** Elements of a thread. */
  private static final int PACK = 4;

  /** Of what cuBLAS reads, in bytes. */
  private static final long ALIGNMENT = 256;

  /** Odd, so that the last one ends in the matrix: it and the workspace take turns. */
  private static final int STEPS = 5;

  private final Launcher launcher;
  private final Blas blas;
  private final NormKernel norm;
  private final GemmCall.Precision precision;

  MuonKernel(Launcher launcher, Blas blas, NormKernel norm, GemmCall.Precision precision) {
    this.launcher = launcher;
    this.blas = blas;
    this.norm = norm;
    this.precision = precision;
  }

  void momentum(
      Tensor direction, Tensor momentum, Tensor gradients, Tensor gradientNorm, MuonStep step) {
    long elements = gradients.elements();
    launcher
        .kernel("muon_momentum", DType.F32)
        .with(direction)
        .with(momentum)
        .with(gradients)
        .with(gradientNorm)
        .with(step.maxNorm())
        .with(step.momentum())
        .with(elements)
        .launch(Launcher.flat(elements, PACK), launcher.stream());
  }

  /**
   * @param weights the BF16 copy of the values, or null
   */
  void update(Tensor weights, Tensor values, Tensor direction, MuonStep step) {
    long elements = values.elements();
    KernelFunction kernel =
        weights == null
            ? launcher.kernel("muon_update", DType.F32)
            : launcher.kernel("muon_update", DType.BF16).with(weights);
    kernel
        .with(values)
        .with(direction)
        .with(step.keep())
        .with(step.rate(Launcher.rows(values), Launcher.columns(values)));
    if (weights != null) {
      kernel.with((int) step.seed()).with((int) (step.seed() >>> 32)).with(step.step());
    }
    kernel.with(elements).launch(Launcher.flat(elements, PACK), launcher.stream());
  }

  void orthogonalise(Tensor matrix) {
    long elements = matrix.elements();
    int size = Math.min(Launcher.rows(matrix), Launcher.columns(matrix));
    Scratch scratch = scratch(matrix, (long) size * size);
    norm.norm(scratch.norm, scratch.normPartials, matrix);
    launcher
        .kernel("muon_normalise", DType.F32)
        .with(scratch.other)
        .with(matrix)
        .with(scratch.norm)
        .with(elements)
        .launch(Launcher.flat(elements, PACK), launcher.stream());
    for (int step = 0; step < STEPS; step++) {
      boolean back = step % 2 == 0;
      long from = back ? scratch.other : matrix.address();
      long to = back ? matrix.address() : scratch.other;
      newtonSchulz(to, from, matrix, size, scratch);
    }
  }

  /** to = P · from, or from · P where columns are fewer; P = 3.4445 I − 4.775 A + 2.0315 A². */
  private void newtonSchulz(long to, long from, Tensor matrix, int size, Scratch scratch) {
    int rows = Launcher.rows(matrix);
    int columns = Launcher.columns(matrix);
    boolean wide = rows <= columns;
    long gram = scratch.gram;
    long square = scratch.square;
    // A = X Xᵀ (R, R), or Xᵀ X (C, C): cuBLAS has Xᵀ at `from`.
    gemm(wide, !wide, size, size, wide ? columns : rows, from, columns, from, columns, gram, size);
    gemm(false, false, size, size, size, gram, size, gram, size, square, size);
    launcher
        .kernel("muon_polynomial", DType.F32)
        .with(square)
        .with(gram)
        .with(size)
        .launch(Launcher.flat((long) size * size, PACK), launcher.stream());
    if (wide) { // (P X)ᵀ = Xᵀ P
      gemm(false, false, columns, rows, size, from, columns, square, size, to, columns);
    } else { // (X P)ᵀ = P Xᵀ
      gemm(false, false, columns, rows, size, square, size, from, columns, to, columns);
    }
  }

  private void gemm(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      long a,
      int lda,
      long b,
      int ldb,
      long c,
      int ldc) {
    blas.gemm(
        new GemmCall(
            transposeA,
            transposeB,
            m,
            n,
            k,
            a,
            lda,
            MatrixType.F32,
            b,
            ldb,
            0,
            c,
            ldc,
            MatrixType.F32,
            precision));
  }

  /**
   * Addresses in the workspace, all taken at once.
   *
   * @param normPartials scratch of the norm
   * @param norm (1)
   * @param gram (size, size), A
   * @param square (size, size), A², then P
   * @param other as the matrix: the X that is not in it
   */
  private record Scratch(long normPartials, long norm, long gram, long square, long other) {}

  private Scratch scratch(Tensor matrix, long square) {
    long partialBytes = padded(norm.partialBytes(matrix));
    long normBytes = padded(Float.BYTES);
    long squareBytes = padded(square * Float.BYTES);
    long start = launcher.workspace(partialBytes + normBytes + 2 * squareBytes + matrix.bytes());
    long gram = start + partialBytes + normBytes;
    return new Scratch(
        start, start + partialBytes, gram, gram + squareBytes, gram + 2 * squareBytes);
  }

  private static long padded(long bytes) {
    return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
  }
}
