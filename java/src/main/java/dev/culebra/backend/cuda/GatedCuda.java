package dev.culebra.backend.cuda;

import dev.culebra.backend.Activation;
import dev.culebra.backend.GatedOp;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.Tensor;

/** Launches {@code gated.cu}. */
final class GatedCuda extends GatedOp {
  private static final int THREADS = 256;
  private static final int SHORT_ROWS = 4;

  private final Launcher launcher;

  GatedCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
  }

  @Override
  protected void runForward(Tensor out, Tensor in, Activation activation) {
    int rows = Launcher.rows(out);
    int columns = Launcher.columns(out);
    launcher
        .kernel("gated_forward", out.dtype())
        .with(out)
        .with(in)
        .with(activation.ordinal())
        .with(rows)
        .with(columns)
        .launch(size(rows, columns, Launcher.packOf(columns, out, in)), launcher.stream());
  }

  @Override
  protected void runBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation) {
    int rows = Launcher.rows(dOut);
    int columns = Launcher.columns(dOut);
    launcher
        .kernel("gated_backward", dOut.dtype())
        .with(dIn)
        .with(dOut)
        .with(in)
        .with(activation.ordinal())
        .with(rows)
        .with(columns)
        .launch(size(rows, columns, Launcher.packOf(columns, dOut, dIn, in)), launcher.stream());
  }

  private static LaunchSize size(int rows, int columns, int pack) {
    return Launcher.rowBlocks(rows, columns, pack, THREADS, SHORT_ROWS, Integer.MAX_VALUE);
  }
}
