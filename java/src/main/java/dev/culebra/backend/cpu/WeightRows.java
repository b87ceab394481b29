package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.culebra.backend.CompactWeight;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * The rows of a weight matrix (OC, IC) in any format: as dot products, and as floats. Refilled for
 * each product, so that a product allocates nothing; then read by all threads of the pool.
 */
final class WeightRows {
  private static final int BLOCK = CompactWeight.BLOCK;

  private final WorkerPool pool;
  private final GemmKernel floats;
  private final CompactKernel compact;
  private final ScratchMemory[] scratch;

  /** Null for F32. */
  private CompactWeight.Format format;

  private long values;
  private long scales;
  private int rows;
  private int columns;
  private int blocks;

  WeightRows(WorkerPool pool, CpuKernels kernels) {
    this.pool = pool;
    floats = kernels.gemm();
    compact = kernels.compact();
    scratch = pool.scratchOfEach();
  }

  /** F32 (OC, IC). */
  void set(Tensor weight) {
    format = null;
    place(weight);
  }

  void set(CompactWeight weight) {
    format = weight.format();
    place(weight.values());
    scales = weight.scales() == null ? 0 : RawMemory.address(weight.scales());
    blocks = Math.ceilDiv(columns, BLOCK);
  }

  private void place(Tensor weight) {
    values = RawMemory.address(weight);
    rows = weight.shape().dim(0);
    columns = weight.shape().dim(1);
  }

  /** OC. */
  int rows() {
    return rows;
  }

  /** IC. */
  int columns() {
    return columns;
  }

  /** Bytes that a row takes. */
  int rowBytes() {
    return switch (format) {
      case null -> 4 * columns;
      case BF16 -> 2 * columns;
      case INT8 -> columns + 4 * blocks;
    };
  }

  /**
   * out[r][i] = x[r] · row first + i, for {@code n} rows x and {@code count} rows of weights. The
   * bits of a product do not depend on n, first and count.
   *
   * @param outStride bytes between rows of out
   */
  void dots(long out, long outStride, long x, int n, int first, int count) {
    long start = (long) first * columns;
    long sums = scratch[pool.slot()].bytes(GemmKernel.SCRATCH);
    switch (format) {
      case null -> floats.dots(out, outStride, x, n, values + 4 * start, count, columns, sums);
      case BF16 -> compact.dotsBf16(out, outStride, x, n, values + 2 * start, count, columns, sums);
      case INT8 ->
          compact.dotsInt8(
              out, outStride, x, n, values + start, scales + 4L * first * blocks, count, columns);
    }
  }

  /** One row as floats. */
  void row(long to, int row) {
    if (format == null) {
      MemorySegment.copy(ALL, values + 4L * row * columns, ALL, to, 4L * columns);
    } else {
      widenRow(to, row, 0, columns);
    }
  }

  /** The matrix as an input of a product over IC. */
  void place(GemmOperand operand) {
    if (format == null) {
      operand.depthInner(values, columns);
    } else {
      operand.depthInner(this);
    }
  }

  /**
   * Columns {@code from} … {@code from} + {@code length} − 1 of {@code count} rows as floats
   * (count, length), in scratch memory of the calling thread. Not of F32, which is read in place.
   */
  long widen(int first, int count, int from, int length) {
    long to = scratch[pool.slot()].floats((long) count * length);
    for (int i = 0; i < count; i++) {
      widenRow(to + 4L * i * length, first + i, from, length);
    }
    return to;
  }

  private void widenRow(long to, int row, int from, int length) {
    long start = (long) row * columns + from;
    switch (format) {
      case BF16 -> compact.widenBf16(to, values + 2 * start, length);
      case INT8 -> {
        int done = 0;
        while (done < length) {
          int column = from + done;
          int part = Math.min(BLOCK - column % BLOCK, length - done);
          float scale =
              ALL.get(JAVA_FLOAT, safe(scales + 4L * ((long) row * blocks + column / BLOCK)));
          compact.widenInt8(to + 4L * done, values + start + done, scale, part);
          done += part;
        }
      }
    }
  }
}
