package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.culebra.backend.CompactWeight;

/**
 * Rows of a {@link CompactWeight}, as dot products and widened to floats. Refilled for each
 * product, so that a product allocates nothing; then read by all threads of the pool.
 */
final class CompactRows {
  private static final int BLOCK = CompactWeight.BLOCK;

  private final WorkerPool pool;
  private final CompactKernel kernel;
  private final ScratchMemory[] scratch;
  private CompactWeight.Format format;
  private long values;
  private long scales;
  private int columns;
  private int blocks;

  CompactRows(WorkerPool pool, CompactKernel kernel) {
    this.pool = pool;
    this.kernel = kernel;
    scratch = pool.scratchOfEach();
  }

  void set(CompactWeight weight) {
    format = weight.format();
    values = RawMemory.address(weight.values());
    scales = weight.scales() == null ? 0 : RawMemory.address(weight.scales());
    columns = weight.shape().dim(1);
    blocks = Math.ceilDiv(columns, BLOCK);
  }

  /** Bytes that a row takes. */
  int rowBytes() {
    return switch (format) {
      case BF16 -> 2 * columns;
      case INT8 -> columns + 4 * blocks;
    };
  }

  /** out[i] = x · row first + i, for {@code count} rows. */
  void dots(long out, long x, int first, int count) {
    switch (format) {
      case BF16 -> kernel.dotsBf16(out, x, values + 2L * first * columns, count, columns);
      case INT8 ->
          kernel.dotsInt8(
              out,
              x,
              values + (long) first * columns,
              scales + 4L * first * blocks,
              count,
              columns);
    }
  }

  /**
   * Columns {@code from} … {@code from} + {@code length} − 1 of {@code count} rows as floats
   * (count, length), in scratch memory of the calling thread.
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
      case BF16 -> kernel.widenBf16(to, values + 2 * start, length);
      case INT8 -> {
        int done = 0;
        while (done < length) {
          int column = from + done;
          int part = Math.min(BLOCK - column % BLOCK, length - done);
          float scale =
              ALL.get(JAVA_FLOAT, safe(scales + 4L * ((long) row * blocks + column / BLOCK)));
          kernel.widenInt8(to + 4L * done, values + start + done, scale, part);
          done += part;
        }
      }
    }
  }
}
