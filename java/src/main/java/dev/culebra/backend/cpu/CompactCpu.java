package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.culebra.backend.Activation;
import dev.culebra.backend.CompactOp;
import dev.culebra.backend.CompactWeight;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.BFloat16;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * {@link CompactOp}: the code of {@link LinearCpu} and {@link EmbeddingCpu} on weights of another
 * format. A call allocates nothing. One thread at a time.
 */
final class CompactCpu extends CompactOp {
  private static final int ROWS_PER_STORE = 16;

  private final WorkerPool pool;
  private final EmbeddingCpu embedding;
  private final LinearForward linear;
  private final WeightRows weights;
  private final WorkerPool.Task storeRows = this::storeRows;

  private CompactWeight stored;
  private long from;
  private int firstRow;
  private int rows;
  private int columns;

  CompactCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    embedding = new EmbeddingCpu(context, pool, kernels);
    linear = new LinearForward(pool, kernels, new Gemm(pool, kernels.gemm()));
    weights = new WeightRows(pool, kernels);
  }

  @Override
  protected void runLinear(
      Tensor out, Tensor in, CompactWeight weight, Tensor bias, Activation activation) {
    weights.set(weight);
    linear.run(out, null, in, weights, bias, activation);
  }

  @Override
  protected void runEmbedding(
      Tensor out, Tensor tokens, CompactWeight tokenTable, Tensor positionTable, Tensor offset) {
    weights.set(tokenTable);
    embedding.forward("compactEmbedding", out, tokens, weights, positionTable, offset);
  }

  @Override
  protected void runStore(CompactWeight weight, int firstRow, int count, MemorySegment rows) {
    stored = weight;
    from = rows.address();
    this.firstRow = firstRow;
    this.rows = count;
    columns = weight.shape().dim(1);
    pool.run(storeRows, Math.ceilDiv(count, ROWS_PER_STORE));
    stored = null;
  }

  private void storeRows(int part) {
    int end = Math.min(rows, (part + 1) * ROWS_PER_STORE);
    for (int r = part * ROWS_PER_STORE; r < end; r++) {
      long row = firstRow + r;
      switch (stored.format()) {
        case BF16 ->
            storeBf16(stored.values().address() + 2 * row * columns, from + 4L * r * columns);
        case INT8 -> storeInt8(row, from + 4L * r * columns);
      }
    }
  }

  private void storeBf16(long to, long row) {
    for (int k = 0; k < columns; k++) {
      ALL.set(JAVA_SHORT, safe(to + 2L * k), BFloat16.fromFloat(get(row + 4L * k)));
    }
  }

  private void storeInt8(long row, long src) {
    int blocks = stored.scales().shape().dim(1);
    long to = stored.values().address() + row * columns;
    for (int b = 0; b < blocks; b++) {
      int first = b * CompactWeight.BLOCK;
      int end = Math.min(first + CompactWeight.BLOCK, columns);
      float most = 0;
      for (int k = first; k < end; k++) {
        most = Math.max(most, Math.abs(get(src + 4L * k)));
      }
      float scale = most / Byte.MAX_VALUE;
      ALL.set(JAVA_FLOAT, safe(stored.scales().address() + 4 * (row * blocks + b)), scale);
      float inverse = Byte.MAX_VALUE / most;
      inverse = Float.isInfinite(inverse) ? 0 : inverse; // a block of zeros, or next to it
      for (int k = first; k < end; k++) {
        byte rounded = (byte) Math.rint(get(src + 4L * k) * inverse);
        ALL.set(JAVA_BYTE, safe(to + k), rounded);
      }
    }
  }

  private static float get(long address) {
    return ALL.get(JAVA_FLOAT_UNALIGNED, safe(address)); // files do not align what is mapped
  }
}
