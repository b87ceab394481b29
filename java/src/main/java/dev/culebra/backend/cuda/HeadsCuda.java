package dev.culebra.backend.cuda;

import dev.culebra.backend.HeadsOp;
import dev.culebra.backend.HeadsSpec;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.Tensor;

/** Launches {@code heads.cu}. */
final class HeadsCuda extends HeadsOp {
  /** Rows per block, one warp each. */
  private static final int ROWS = 8;

  /** The base of the rotation's frequencies. */
  private static final double BASE = 10_000;

  private final Launcher launcher;

  HeadsCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
  }

  @Override
  protected void runForward(Tensor qkv, Tensor in, Tensor offset, HeadsSpec spec) {
    KernelFunction kernel =
        launcher.kernel("heads_forward", in.dtype()).with(qkv).with(in).with(offset);
    launch(kernel, in, spec);
  }

  @Override
  protected void runBackward(Tensor dIn, Tensor dQkv, Tensor in, HeadsSpec spec) {
    KernelFunction kernel =
        launcher.kernel("heads_backward", in.dtype()).with(dIn).with(dQkv).with(in);
    launch(kernel, in, spec);
  }

  private void launch(KernelFunction kernel, Tensor in, HeadsSpec spec) {
    int rows = Launcher.rows(in);
    int size = Launcher.columns(in) / spec.projected();
    // The exponent of 2 by which the angles fall from one pair of columns to the next.
    double step = 2 * Math.log(BASE) / Math.log(2) / size;
    kernel
        .with(rows)
        .with(in.shape().dim(1))
        .with(spec.heads())
        .with(spec.kvHeads())
        .with(size)
        .with(spec.normalised() ? 1 : 0)
        .with(spec.rotary() ? 1 : 0)
        .with(step)
        .launch(LaunchSize.rows(Math.ceilDiv(rows, ROWS), Launcher.WARP, ROWS), launcher.stream());
  }
}
