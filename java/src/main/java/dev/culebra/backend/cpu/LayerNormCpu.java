package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.culebra.backend.LayerNormOp;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Layernorm and RMSNorm, with and without the residual sum before them. A row stays in the L1 cache
 * from its first pass to its last. Backward splits the rows into a number of chunks that depends
 * only on the shape; each chunk has its own sums of dWeight and dBias, which are added in order at
 * the end. Allocates nothing once it has seen the widest row. One thread at a time.
 */
final class LayerNormCpu extends LayerNormOp {
  /** Floats per part of the forward pass. */
  private static final int FORWARD_PART = 8 * 1024;

  private static final int MAX_CHUNKS = 32;
  private static final int MIN_CHUNK_ROWS = 8;

  private final WorkerPool pool;
  private final RowKernel kernels;
  private final LinearCpu linear;
  private final ScratchMemory chunkSums;
  private final ScratchMemory[] scratch;

  /**
   * Zeros: the start of sums, and the addend of a gradient that is written. New memory is 0, and
   * this memory is never written.
   */
  private final ScratchMemory zeros;

  private final WorkerPool.Task forwardRows = this::forwardRows;
  private final WorkerPool.Task backwardChunk = this::backwardChunk;
  private long out;
  private long in;
  private long mean;
  private long rstd;
  private long weight;
  private long bias;
  private long stream;
  private long branch;
  private long dOut;
  private long zeroRow;
  private long addend;
  private long addendStride;
  private long sums;
  private int n;
  private int c;
  private int rowsPerPart;
  private float epsilon;

  /**
   * @param linear adds up columns with the bits of its own backward pass
   */
  LayerNormCpu(OpContext context, WorkerPool pool, CpuKernels kernels, LinearCpu linear) {
    super(context);
    this.linear = linear;
    this.pool = pool;
    this.kernels = kernels.rows();
    chunkSums = pool.scratch();
    scratch = pool.scratchOfEach();
    zeros = pool.scratch();
  }

  @Override
  protected void runForward(
      Tensor out, Tensor mean, Tensor rstd, Tensor in, Tensor weight, Tensor bias, float epsilon) {
    stream = 0;
    branch = 0;
    normaliseRows(out, mean, rstd, in, weight, bias, epsilon);
  }

  @Override
  protected void runResidualForward(
      Tensor out,
      Tensor sum,
      Tensor mean,
      Tensor rstd,
      Tensor stream,
      Tensor branch,
      Tensor weight,
      Tensor bias,
      float epsilon) {
    this.stream = RawMemory.address(stream);
    this.branch = RawMemory.address(branch);
    normaliseRows(out, mean, rstd, sum, weight, bias, epsilon);
  }

  private void normaliseRows(
      Tensor out, Tensor mean, Tensor rstd, Tensor in, Tensor weight, Tensor bias, float epsilon) {
    this.epsilon = epsilon;
    this.out = RawMemory.address(out);
    this.bias = bias == null ? 0 : RawMemory.address(bias);
    set(in, mean, rstd, weight);
    rowsPerPart = Math.max(1, FORWARD_PART / c);
    pool.run(forwardRows, Math.ceilDiv(n, rowsPerPart));
  }

  private void set(Tensor in, Tensor mean, Tensor rstd, Tensor weight) {
    this.in = RawMemory.address(in);
    this.mean = mean == null ? 0 : RawMemory.address(mean);
    this.rstd = RawMemory.address(rstd);
    this.weight = RawMemory.address(weight);
    c = in.shape().dim(-1);
    n = in.shape().rows();
  }

  private void forwardRows(int part) {
    long lanes = scratch[pool.slot()].floats(RowKernel.SCRATCH);
    int end = Math.min(n, (part + 1) * rowsPerPart);
    for (int r = part * rowsPerPart; r < end; r++) {
      long at = 4L * c * r;
      if (stream != 0) {
        kernels.add(in + at, stream + at, branch + at, c);
      }
      if (mean == 0) {
        double square = kernels.sumOfSquares(in + at, c) / c;
        ALL.set(JAVA_FLOAT, safe(rstd + 4L * r), (float) (1 / Math.sqrt(square + epsilon)));
      } else {
        kernels.moments(mean + 4L * r, rstd + 4L * r, in + at, epsilon, c, lanes);
      }
      kernels.normalise(out + at, in + at, meanOf(r), scalar(rstd, r), weight, bias, c);
    }
  }

  private float meanOf(int row) {
    return mean == 0 ? 0 : scalar(mean, row);
  }

  @Override
  protected void runBackward(
      Tensor dIn,
      boolean adds,
      Tensor dWeight,
      Tensor dBias,
      Tensor dBranchBias,
      Tensor dOut,
      Tensor in,
      Tensor mean,
      Tensor rstd,
      Tensor weight) {
    this.out = RawMemory.address(dIn);
    this.dOut = RawMemory.address(dOut);
    set(in, mean, rstd, weight);
    long toWeight = RawMemory.address(dWeight);
    long toBias = dBias == null ? 0 : RawMemory.address(dBias);
    zeroRow = zeros.floats(2L * c);
    addend = adds ? out : zeroRow;
    addendStride = adds ? 4L * c : 0;
    rowsPerPart = Math.max(MIN_CHUNK_ROWS, Math.ceilDiv(n, MAX_CHUNKS));
    int chunks = Math.ceilDiv(n, rowsPerPart);
    sums = chunkSums.floats(2L * c * chunks);
    pool.run(backwardChunk, chunks);
    for (int chunk = 0; chunk < chunks; chunk++) {
      kernels.add(toWeight, toWeight, weightSums(chunk), c);
      if (toBias != 0) {
        kernels.add(toBias, toBias, biasSums(chunk), c);
      }
    }
    if (dBranchBias != null) {
      linear.addBiasGradient(dBranchBias, dIn);
    }
  }

  private void backwardChunk(int chunk) {
    long lanes = scratch[pool.slot()].floats(RowKernel.SCRATCH);
    MemorySegment.copy(ALL, zeroRow, ALL, weightSums(chunk), 8L * c);
    int end = Math.min(n, (chunk + 1) * rowsPerPart);
    for (int r = chunk * rowsPerPart; r < end; r++) {
      long at = 4L * c * r;
      kernels.layerNormBackward(
          out + at,
          addend + addendStride * r,
          weightSums(chunk),
          biasSums(chunk),
          dOut + at,
          in + at,
          meanOf(r),
          scalar(rstd, r),
          weight,
          mean != 0,
          c,
          lanes);
    }
  }

  private long weightSums(int chunk) {
    return sums + 8L * c * chunk;
  }

  private long biasSums(int chunk) {
    return weightSums(chunk) + 4L * c;
  }

  private static float scalar(long base, int row) {
    return ALL.get(JAVA_FLOAT, safe(base + 4L * row));
  }
}
