package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.culebra.backend.Activation;
import dev.culebra.backend.CompactOp;
import dev.culebra.backend.CompactWeight;
import dev.culebra.backend.OpContext;
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
  private final CompactKernel kernel;
  private final WorkerPool.Task storeRows = this::storeRows;

  private CompactWeight stored;
  private long values;
  private long scales;
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
    kernel = kernels.compact();
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
    values = RawMemory.address(weight.values());
    scales = weight.scales() == null ? 0 : RawMemory.address(weight.scales());
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
      long source = from + 4L * r * columns;
      switch (stored.format()) {
        case BF16 -> kernel.narrowBf16(values + 2 * row * columns, source, columns);
        case INT8 -> storeInt8(row, source);
      }
    }
  }

  private void storeInt8(long row, long source) {
    long to = values + row * columns;
    long toScale = scales + 4 * row * Math.ceilDiv(columns, CompactWeight.BLOCK);
    for (int k = 0; k < columns; k += CompactWeight.BLOCK) {
      int length = Math.min(CompactWeight.BLOCK, columns - k);
      float scale = kernel.narrowInt8(to + k, source + 4L * k, length);
      ALL.set(JAVA_FLOAT, safe(toScale + k / CompactWeight.BLOCK * 4L), scale);
    }
  }
}
