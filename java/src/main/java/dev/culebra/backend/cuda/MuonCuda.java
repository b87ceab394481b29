package dev.culebra.backend.cuda;

import dev.culebra.backend.MuonOp;
import dev.culebra.backend.MuonStep;
import dev.culebra.cuda.Blas;
import dev.culebra.cuda.GemmBatch;
import dev.culebra.cuda.GemmCall;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.cuda.MatrixType;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/**
 * Launches {@code muon.cu}, and computes the matrix products of its Newton–Schulz steps by cuBLAS,
 * for all matrices of one shape at once.
 *
 * <p>cuBLAS is column-major, so it sees Xᵀ (C, R) for a matrix X (R, C). The square matrices are
 * symmetric.
 */
final class MuonCuda extends MuonOp {
  /** Elements per thread: one Philox block. */
  private static final int PACK = 4;

  /** Bytes that a thread moves at a time in kernels without random numbers. */
  private static final int PACK_BYTES = 16;

  /** Alignment of cuBLAS inputs in bytes. */
  private static final long ALIGNMENT = 256;

  /** Odd, so that the last step ends in the matrices: they alternate with the workspace. */
  private static final int STEPS = 5;

  private final Launcher launcher;
  private final Blas blas;
  private final NormCuda norm;
  private final GemmCall.Precision precision;

  MuonCuda(Launcher launcher, Blas blas, NormCuda norm, GemmCall.Precision precision) {
    super(launcher.ops());
    this.launcher = launcher;
    this.blas = blas;
    this.norm = norm;
    this.precision = precision;
  }

  @Override
  protected void runMomentum(
      Tensor direction,
      Tensor momentum,
      Tensor gradients,
      Tensor gradientNorm,
      float mu,
      float maxNorm) {
    long elements = gradients.elements();
    launcher
        .kernel("muon_momentum", direction.dtype())
        .with(direction)
        .with(momentum)
        .with(gradients)
        .with(gradientNorm)
        .with(maxNorm)
        .with(mu)
        .with(elements)
        .launch(Launcher.flat(elements, PACK), launcher.stream());
  }

  @Override
  protected void runUpdate(Tensor weights, Tensor values, Tensor direction, MuonStep step) {
    long elements = values.elements();
    KernelFunction kernel = launcher.kernel("muon_update", direction.dtype());
    if (weights != null) {
      kernel.with(weights);
    }
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

  @Override
  protected void runOrthogonalise(Tensor matrices) {
    Batch batch = new Batch(matrices);
    Scratch scratch = scratch(batch);
    norm.norms(scratch.norms, scratch.normPartials, matrices, batch.count, batch.elements());
    launcher
        .kernel("muon_normalise", batch.dtype)
        .with(scratch.other)
        .with(matrices)
        .with(scratch.norms)
        .with(batch.elements())
        .launch(flat(batch, batch.elements()), launcher.stream());
    for (int step = 0; step < STEPS; step++) {
      boolean back = step % 2 == 0;
      long from = back ? scratch.other : matrices.address();
      long to = back ? matrices.address() : scratch.other;
      newtonSchulz(to, from, batch, scratch);
    }
  }

  /** One row of blocks per matrix. */
  private static LaunchSize flat(Batch batch, long elements) {
    LaunchSize one = Launcher.flat(elements, PACK_BYTES / batch.dtype.bytes());
    return one.grid(one.gridX(), batch.count);
  }

  /**
   * Matrices (R, C).
   *
   * @param size the smaller dimension
   */
  private record Batch(DType dtype, int count, int rows, int columns, int size) {
    Batch(Tensor matrices) {
      this(
          matrices.dtype(),
          matrices.shape().dim(0),
          matrices.shape().dim(1),
          matrices.shape().dim(2),
          Math.min(matrices.shape().dim(1), matrices.shape().dim(2)));
    }

    long elements() {
      return (long) rows * columns;
    }

    long square() {
      return (long) size * size;
    }

    boolean wide() {
      return rows <= columns;
    }
  }

  /** to = P · from, or from · P if there are fewer columns; P = 3.4445 I − 4.775 A + 2.0315 A². */
  private void newtonSchulz(long to, long from, Batch batch, Scratch scratch) {
    int size = batch.size;
    int columns = batch.columns;
    Factor x = new Factor(from, columns, batch.elements());
    Factor gram = new Factor(scratch.gram, size, batch.square());
    Factor square = new Factor(scratch.square, size, batch.square());
    Factor next = new Factor(to, columns, batch.elements());
    // A = X Xᵀ (R, R), or Xᵀ X (C, C): cuBLAS sees Xᵀ at `from`.
    int depth = Math.max(batch.rows, columns);
    gemm(batch, batch.wide(), !batch.wide(), size, size, depth, x, x, gram);
    gemm(batch, false, false, size, size, size, gram, gram, square);
    launcher
        .kernel("muon_polynomial", batch.dtype)
        .with(scratch.square)
        .with(scratch.gram)
        .with(size)
        .launch(flat(batch, batch.square()), launcher.stream());
    // (P X)ᵀ = Xᵀ P, (X P)ᵀ = P Xᵀ
    Factor left = batch.wide() ? x : square;
    Factor right = batch.wide() ? square : x;
    gemm(batch, false, false, columns, batch.rows, size, left, right, next);
  }

  /**
   * One factor of each product, or the result.
   *
   * @param address address of the first matrix
   * @param stride distance between columns, as seen by cuBLAS
   * @param next elements to the next matrix
   */
  private record Factor(long address, int stride, long next) {}

  private void gemm(
      Batch batch,
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      Factor a,
      Factor b,
      Factor c) {
    MatrixType type = batch.dtype == DType.BF16 ? MatrixType.BF16 : MatrixType.F32;
    GemmCall first =
        new GemmCall(
            transposeA,
            transposeB,
            m,
            n,
            k,
            a.address,
            a.stride,
            type,
            b.address,
            b.stride,
            0,
            c.address,
            c.stride,
            type,
            precision);
    blas.gemmBatch(new GemmBatch(first, batch.count, a.next, b.next, c.next));
  }

  /**
   * Addresses in the workspace, allocated together, for L matrices.
   *
   * @param normPartials scratch of the norms
   * @param norms F32 (L)
   * @param gram (L, size, size), A
   * @param square (L, size, size), A², then P
   * @param other (L, R, C): the X that is not in the matrices
   */
  private record Scratch(long normPartials, long norms, long gram, long square, long other) {}

  private Scratch scratch(Batch batch) {
    long partialBytes = padded(norm.partialBytes(batch.count, batch.elements()));
    long normBytes = padded((long) batch.count * Float.BYTES);
    long squareBytes = padded(batch.count * batch.square() * batch.dtype.bytes());
    long otherBytes = batch.count * batch.elements() * batch.dtype.bytes();
    long start = launcher.workspace(partialBytes + normBytes + 2 * squareBytes + otherBytes);
    long gram = start + partialBytes + normBytes;
    return new Scratch(
        start, start + partialBytes, gram, gram + squareBytes, gram + 2 * squareBytes);
  }

  private static long padded(long bytes) {
    return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
  }
}
