package dev.culebra.backend.cuda;

import dev.culebra.backend.LayerNormOp;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Launches {@code layernorm.cu}. */
final class LayerNormCuda extends LayerNormOp {
  private static final int FORWARD_THREADS = 256;
  private static final int FORWARD_ROWS = 4;
  private static final int BACKWARD_THREADS = 192;
  private static final int BACKWARD_ROWS = 6;
  private static final int BACKWARD_BLOCKS_OF_A_MULTIPROCESSOR = 2;
  private static final int REDUCE_PARTS = 16;

  /**
   * Columns of a warp with one BF16 pack per lane, and the most packs per lane of the streamed
   * pass.
   */
  private static final int STREAMED_COLUMNS_OF_A_PACK = 256;

  private static final int STREAMED_MOST_PACKS = 4;

  /** Warps per block of the streamed pass times packs per lane of a row. */
  private static final int STREAMED_PACKS = 32;

  private final Launcher launcher;
  private final ColumnSumsCuda columnSums;

  LayerNormCuda(Launcher launcher, ColumnSumsCuda columnSums) {
    super(launcher.ops());
    this.launcher = launcher;
    this.columnSums = columnSums;
  }

  @Override
  protected void runForward(
      Tensor out, Tensor mean, Tensor rstd, Tensor in, Tensor weight, Tensor bias, float epsilon) {
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
        .with(epsilon)
        .with(rows)
        .with(columns)
        .launch(forwardSize(rows, columns, pack), launcher.stream());
  }

  @Override
  protected void runResidualForward(
      Tensor out,
      Tensor sum,
      Tensor mean,
      Tensor rstd,
      Tensor stream,
      Tensor branch,
      Tensor weight,
      Tensor bias,
      float epsilon) {
    int rows = Launcher.rows(stream);
    int columns = Launcher.columns(stream);
    int pack = Launcher.packOf(columns, out, sum, stream, branch, weight, bias);
    String kernel = "residual_layernorm_forward";
    boolean overlapped = rows <= Launcher.FEW_ROWS && launcher.overlaps(kernel, stream.dtype());
    launcher
        .kernel(kernel, stream.dtype(), overlapped)
        .with(out)
        .with(sum)
        .with(mean)
        .with(rstd)
        .with(stream)
        .with(branch)
        .with(weight)
        .with(bias)
        .with(epsilon)
        .with(rows)
        .with(columns)
        .launch(forwardSize(rows, columns, pack).overlapped(overlapped), launcher.stream());
  }

  private static LaunchSize forwardSize(int rows, int columns, int pack) {
    return Launcher.rowBlocks(
        rows, columns, pack, FORWARD_THREADS, FORWARD_ROWS, Integer.MAX_VALUE);
  }

  @Override
  protected void runBackward(
      Tensor dIn,
      boolean residual,
      Tensor dWeight,
      Tensor dBias,
      Tensor dBranchBias,
      Tensor dOut,
      Tensor in,
      Tensor mean,
      Tensor rstd,
      Tensor weight) {
    int columns = Launcher.columns(in);
    int pack = Launcher.packOf(columns, in, dIn, dOut, weight);
    int packs = Math.ceilDiv(columns, STREAMED_COLUMNS_OF_A_PACK);
    if (in.dtype() == DType.BF16 && pack > 1 && packs <= STREAMED_MOST_PACKS) {
      streamedBackward(
          packs, dIn, residual, dWeight, dBias, dBranchBias, dOut, in, mean, rstd, weight);
    } else {
      generalBackward(pack, dIn, residual, dWeight, dBias, dOut, in, mean, rstd, weight);
      if (dBranchBias != null) {
        columnSums.add(dBranchBias, dIn);
      }
    }
  }

  /**
   * @param packs packs per lane of a row
   */
  private void streamedBackward(
      int packs,
      Tensor dIn,
      boolean residual,
      Tensor dWeight,
      Tensor dBias,
      Tensor dBranchBias,
      Tensor dOut,
      Tensor in,
      Tensor mean,
      Tensor rstd,
      Tensor weight) {
    int rows = Launcher.rows(in);
    int columns = Launcher.columns(in);
    int warps = STREAMED_PACKS / packs;
    int blocks = Math.min(Math.ceilDiv(rows, warps), launcher.multiprocessors());
    int sums = dBranchBias == null ? 2 : 3;
    long partials = launcher.workspace((long) blocks * sums * columns * Float.BYTES);
    int sharedBytes = streamedBytes(packs, warps, residual ? 3 : 2);
    KernelFunction kernel = launcher.kernel("layernorm_backward_streamed_k" + packs, DType.BF16);
    kernel.allowSharedMemory(sharedBytes);
    kernel
        .with(dIn)
        .with(partials)
        .with(dOut)
        .with(in)
        .with(mean)
        .with(rstd)
        .with(weight)
        .with(residual ? 1 : 0)
        .with(sums)
        .with(rows)
        .with(columns)
        .launch(new LaunchSize(blocks, 1, 1, Launcher.WARP, warps, sharedBytes), launcher.stream());
    reduce(dWeight, dBias, dBranchBias, partials, blocks, sums, columns);
  }

  /**
   * Two rows of each tensor per warp; the warps' sums, which use this memory at the end, are
   * smaller.
   */
  private static int streamedBytes(int packs, int warps, int tensors) {
    return warps * packs * STREAMED_COLUMNS_OF_A_PACK * 2 * tensors * DType.BF16.bytes();
  }

  private void generalBackward(
      int pack,
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
    reduce(dWeight, dBias, null, partials, size.gridX(), 2, columns);
  }

  private void reduce(
      Tensor dWeight,
      Tensor dBias,
      Tensor dBranchBias,
      long partials,
      int blocks,
      int sums,
      int columns) {
    launcher
        .kernel("layernorm_reduce", DType.F32)
        .with(dWeight)
        .with(dBias)
        .with(dBranchBias)
        .with(partials)
        .with(blocks)
        .with(sums)
        .with(columns)
        .launch(
            LaunchSize.rows(1, Launcher.WARP, REDUCE_PARTS)
                .grid(Math.ceilDiv(columns, Launcher.WARP), sums),
            launcher.stream());
  }
}
