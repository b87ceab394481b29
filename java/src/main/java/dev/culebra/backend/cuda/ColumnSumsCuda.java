package dev.culebra.backend.cuda;

import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Launches {@code column_sums.cu}: gradients of biases. */
final class ColumnSumsCuda {
  private static final int THREADS = 768;
  private static final int ROWS_OF_A_THREAD = 4;
  private static final int REDUCE_PARTS = 16;

  private final Launcher launcher;

  ColumnSumsCuda(Launcher launcher) {
    this.launcher = launcher;
  }

  /** {@code to} (C) += the sum of the rows of {@code in} (N, C). */
  void add(Tensor to, Tensor in) {
    int rows = Launcher.rows(in);
    int columns = Launcher.columns(in);
    int packs = columns / Launcher.packOf(columns, in);
    int across = Math.ceilDiv(packs, THREADS);
    int threadsX = Math.ceilDiv(packs, across);
    int threadsY = THREADS / threadsX;
    int pieces = Math.ceilDiv(rows, ROWS_OF_A_THREAD * threadsY);
    int parts = Math.min(pieces, Math.ceilDiv(launcher.multiprocessors(), across));
    long partials = launcher.workspace((long) parts * columns * Float.BYTES);
    launcher
        .kernel("column_sums", in.dtype())
        .with(partials)
        .with(in)
        .with(rows)
        .with(columns)
        .launch(LaunchSize.rows(1, threadsX, threadsY).grid(across, parts), launcher.stream());
    launcher
        .kernel("column_sums_reduce", DType.F32)
        .with(to)
        .with(partials)
        .with(parts)
        .with(columns)
        .launch(
            LaunchSize.rows(Math.ceilDiv(columns, Launcher.WARP), Launcher.WARP, REDUCE_PARTS),
            launcher.stream());
  }
}
