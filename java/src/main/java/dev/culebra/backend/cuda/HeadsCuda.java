package dev.culebra.backend.cuda;

import dev.culebra.backend.HeadsOp;
import dev.culebra.backend.HeadsSpec;
import dev.culebra.backend.RopeScaling;
import dev.culebra.backend.Rotation;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Launches {@code heads.cu}. */
final class HeadsCuda extends HeadsOp {
  /** Rows per block, one warp each. */
  private static final int ROWS = 8;

  private static final int SCALED_BLOCKS_OF_A_MULTIPROCESSOR = 2;

  /** Sums per warp: the gradients of both scales. */
  private static final int SUMS = 2;

  private static final int REDUCE_PARTS = 16;

  private final Launcher launcher;

  HeadsCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
  }

  @Override
  protected void runForward(
      Tensor qkv, Tensor in, Tensor queryScale, Tensor keyScale, Tensor offset, HeadsSpec spec) {
    boolean scaled = queryScale != null;
    KernelFunction kernel =
        launcher
            .kernel(scaled ? "heads_scaled_forward" : "heads_forward", in.dtype())
            .with(qkv)
            .with(in);
    if (scaled) {
      kernel.with(queryScale).with(keyScale);
    }
    launch(kernel.with(offset), in, spec, Integer.MAX_VALUE);
  }

  @Override
  protected void runBackward(
      Tensor dIn,
      Tensor dQueryScale,
      Tensor dKeyScale,
      Tensor dQkv,
      Tensor in,
      Tensor queryScale,
      Tensor keyScale,
      HeadsSpec spec) {
    if (queryScale == null) {
      KernelFunction kernel =
          launcher.kernel("heads_backward", in.dtype()).with(dIn).with(dQkv).with(in);
      launch(kernel, in, spec, Integer.MAX_VALUE);
      return;
    }
    int size = Launcher.columns(in) / spec.projected();
    int blocks = SCALED_BLOCKS_OF_A_MULTIPROCESSOR * launcher.multiprocessors();
    int parts = Math.min(blocks, Math.ceilDiv(Launcher.rows(in), ROWS));
    long partials = launcher.workspace((long) parts * ROWS * SUMS * size * Float.BYTES);
    KernelFunction kernel =
        launcher
            .kernel("heads_scaled_backward", in.dtype())
            .with(dIn)
            .with(partials)
            .with(dQkv)
            .with(in)
            .with(queryScale)
            .with(keyScale);
    launch(kernel, in, spec, blocks);
    launcher
        .kernel("heads_reduce", DType.F32)
        .with(dQueryScale)
        .with(dKeyScale)
        .with(partials)
        .with(parts)
        .with(size)
        .launch(
            LaunchSize.rows(1, Launcher.WARP, REDUCE_PARTS)
                .grid(Math.ceilDiv(size, Launcher.WARP), SUMS),
            launcher.stream());
  }

  private void launch(KernelFunction kernel, Tensor in, HeadsSpec spec, int mostBlocks) {
    int rows = Launcher.rows(in);
    int size = Launcher.columns(in) / spec.projected();
    Rotation rotation = spec.rotation();
    RopeScaling scaling = rotation.scaling();
    // The exponent of 2 by which the angles fall from one pair of columns to the next.
    double step = spec.rotary() ? 2 * Math.log(rotation.theta()) / Math.log(2) / size : 0;
    int blocks = Math.min(mostBlocks, Math.ceilDiv(rows, ROWS));
    kernel
        .with(rows)
        .with(in.shape().dim(1))
        .with(spec.heads())
        .with(spec.kvHeads())
        .with(size)
        .with(spec.normalised() ? 1 : 0)
        .with(spec.epsilon())
        .with(spec.rotary() ? 1 : 0)
        .with(step)
        .with(scaling.least())
        .with(scaling.slope())
        .with(scaling.intercept())
        .launch(LaunchSize.rows(blocks, Launcher.WARP, ROWS), launcher.stream());
  }
}
