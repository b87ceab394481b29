package dev.culebra.backend.cuda;

import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Launches {@code layernorm.cu}. */
final class LayerNormKernel {
  private static final int FORWARD_THREADS = 256;
  private static final int FORWARD_ROWS = 4;
  private static final int FORWARD_BLOCKS_OF_A_MULTIPROCESSOR = 5;
  private static final int BACKWARD_THREADS = 192;
  private static final int BACKWARD_ROWS = 6;
  private static final int BACKWARD_BLOCKS_OF_A_MULTIPROCESSOR = 2;
  private static final int REDUCE_PARTS = 16;

  private final Launcher launcher;

  LayerNormKernel(Launcher launcher) {
    this.launcher = launcher;
  }

  void forward(Tensor out, Tensor mean, Tensor rstd, Tensor in, Tensor weight, Tensor bias) {
    int rows = Launcher.rows(in);
    int columns = Launcher.columns(in);
    int pack = Launcher.packOf(columns, in, out, weight, bias);
    launcher
        .kernel("layernorm_forward", in.dtype())
        .with(out)
        .with(mean)
        .with(rstd)
        .with(in)
        .with(weight)
        .with(bias)
        .with(rows)
        .with(columns)
        .launch(forwardSize(rows, columns, pack), launcher.stream());
  }

  void residualForward(
      Tensor out,
      Tensor sum,
      Tensor mean,
      Tensor rstd,
      Tensor stream,
      Tensor branch,
      Tensor weight,
      Tensor bias) {
    int rows = Launcher.rows(stream);
    int columns = Launcher.columns(stream);
    int pack = Launcher.packOf(columns, out, sum, stream, branch, weight, bias);
    launcher
        .kernel("residual_layernorm_forward", stream.dtype())
        .with(out)
        .with(sum)
        .with(mean)
        .with(rstd)
        .with(stream)
        .with(branch)
        .with(weight)
        .with(bias)
        .with(rows)
        .with(columns)
        .launch(forwardSize(rows, columns, pack), launcher.stream());
  }

  private LaunchSize forwardSize(int rows, int columns, int pack) {
    int blocks = FORWARD_BLOCKS_OF_A_MULTIPROCESSOR * launcher.multiprocessors();
    return Launcher.rowBlocks(rows, columns, pack, FORWARD_THREADS, FORWARD_ROWS, blocks);
  }

  /**
   * @param residual whether the gradient is added to what {@code dIn} holds
   */
  void backward(
      Tensor dIn,
      boolean residual,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor in,
      Tensor mean,
      Tensor rstd,
      Tensor weight) {
    int rows = Launcher.rows(in);
    int columns = Launcher.columns(in);
    int pack = Launcher.packOf(columns, in, dIn, dOut, weight);
    int blocks = BACKWARD_BLOCKS_OF_A_MULTIPROCESSOR * launcher.multiprocessors();
    LaunchSize size =
        Launcher.rowBlocks(rows, columns, pack, BACKWARD_THREADS, BACKWARD_ROWS, blocks);
    long partials = launcher.workspace(2L * size.gridX() * columns * Float.BYTES);
    launcher
        .kernel(residual ? "residual_layernorm_backward" : "layernorm_backward", in.dtype())
        .with(dIn)
        .with(partials)
        .with(dOut)
        .with(in)
        .with(mean)
        .with(rstd)
        .with(weight)
        .with(rows)
        .with(columns)
        .launch(size, launcher.stream());
    launcher
        .kernel("layernorm_reduce", DType.F32)
        .with(dWeight)
        .with(dBias)
        .with(partials)
        .with(size.gridX())
        .with(columns)
        .launch(
            LaunchSize.rows(1, Launcher.WARP, REDUCE_PARTS)
                .grid(Math.ceilDiv(columns, Launcher.WARP), 2),
            launcher.stream());
  }
}
