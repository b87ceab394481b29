package dev.culebra.backend.cuda;

import dev.culebra.backend.EmbeddingOp;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/**
 * Launches {@code embedding.cu}. Backward sorts the rows by token, adds up runs of equal tokens in
 * blocks of {@value #RUN_ROWS} rows, and then the runs that cross blocks.
 */
final class EmbeddingCuda extends EmbeddingOp {
  private static final int THREADS = 256;
  private static final int SHORT_ROWS = 4;
  private static final int SORT_THREADS = 1024;
  private static final int SORT_BITS = 8;
  private static final int RUN_ROWS = 32;

  private final Launcher launcher;

  EmbeddingCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
  }

  @Override
  protected void runForward(
      Tensor out, Tensor tokens, Tensor tokenTable, Tensor positionTable, Tensor offset) {
    int rows = Math.toIntExact(tokens.elements());
    int columns = Launcher.columns(out);
    int pack = Launcher.packOf(columns, out, tokenTable, positionTable);
    launcher
        .kernel("embedding_forward", out.dtype())
        .with(out)
        .with(tokens)
        .with(tokenTable)
        .with(positionTable)
        .with(offset)
        .with(rows)
        .with(tokens.shape().dim(-1))
        .with(columns)
        .with(Launcher.rows(tokenTable))
        .with(positionTable == null ? 0 : Launcher.rows(positionTable))
        .launch(
            Launcher.rowBlocks(rows, columns, pack, THREADS, SHORT_ROWS, Integer.MAX_VALUE),
            launcher.stream());
  }

  @Override
  protected void runBackward(
      Tensor dTokenTable, Tensor dPositionTable, Tensor dOut, Tensor tokens) {
    tokenGradient(dTokenTable, dOut, tokens);
    if (dPositionTable != null) {
      positionGradient(dPositionTable, dOut, tokens.shape().dim(0), tokens.shape().dim(1));
    }
  }

  private void tokenGradient(Tensor dTokenTable, Tensor dOut, Tensor tokens) {
    int rows = Math.toIntExact(tokens.elements());
    int columns = Launcher.columns(dOut);
    int vocab = Launcher.rows(dTokenTable);
    int blocks = Math.ceilDiv(rows, RUN_ROWS);
    long orderBytes = (long) rows * Integer.BYTES;
    long partialsAt = alignUp(2 * orderBytes);
    long memory = launcher.workspace(partialsAt + 2L * blocks * columns * Float.BYTES);
    long partials = memory + partialsAt;
    long sorted = sort(memory, memory + orderBytes, tokens, rows, vocab);
    int threads = threadsOfRun(columns, dOut, dTokenTable);
    launcher
        .kernel("embedding_sum_runs", dOut.dtype())
        .with(dTokenTable)
        .with(partials)
        .with(dOut)
        .with(sorted)
        .with(tokens)
        .with(rows)
        .with(columns)
        .with(vocab)
        .launch(LaunchSize.flat(blocks, threads), launcher.stream());
    if (blocks > 1) {
      launcher
          .kernel("embedding_add_partials", DType.F32)
          .with(dTokenTable)
          .with(partials)
          .with(sorted)
          .with(tokens)
          .with(rows)
          .with(columns)
          .with(vocab)
          .launch(LaunchSize.flat(blocks - 1, threads), launcher.stream());
    }
  }

  /** Writes the order to {@code even} and {@code odd} in turn; returns the one with the result. */
  private long sort(long even, long odd, Tensor tokens, int rows, int vocab) {
    KernelFunction sort = launcher.kernel("embedding_sort", DType.I32);
    LaunchSize size = LaunchSize.flat(Math.ceilDiv(rows, SORT_THREADS), SORT_THREADS);
    long from = 0;
    long to = even;
    for (int shift = 0; shift == 0 || vocab >> shift > 0; shift += SORT_BITS) {
      sort.with(to)
          .with(from)
          .with(tokens)
          .with(rows)
          .with(vocab)
          .with(shift)
          .launch(size, launcher.stream());
      from = to;
      to = from == even ? odd : even;
    }
    return from;
  }

  private static int threadsOfRun(int columns, Tensor dOut, Tensor table) {
    int packs = Math.ceilDiv(columns, Launcher.packOf(columns, dOut, table));
    return Math.min(THREADS, Math.ceilDiv(packs, Launcher.WARP) * Launcher.WARP);
  }

  private static long alignUp(long bytes) {
    return Math.ceilDiv(bytes, 256L) * 256;
  }

  private void positionGradient(Tensor dPositionTable, Tensor dOut, int batch, int time) {
    int columns = Launcher.columns(dOut);
    int pack = Launcher.packOf(columns, dOut, dPositionTable);
    launcher
        .kernel("embedding_sum_positions", dOut.dtype())
        .with(dPositionTable)
        .with(dOut)
        .with(batch)
        .with(time)
        .with(columns)
        .launch(Launcher.flat((long) time * columns, pack), launcher.stream());
  }
}
