package dev.culebra.backend.cuda;

import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.Tensor;

/** Launches {@code attention.cu}: single precision, any head size. */
final class TiledAttention implements AttentionPath {
  /** Rows per block, and warps per block. */
  private static final int TILE = 32;

  private static final int WARPS = 8;

  private final Launcher launcher;

  TiledAttention(Launcher launcher) {
    this.launcher = launcher;
  }

  @Override
  public boolean takes(int headSize, AttentionSpec spec, Tensor... tensors) {
    return true;
  }

  @Override
  public void forward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
    KernelFunction kernel = launcher.kernel("attention_forward", qkv.dtype());
    int size = AttentionCuda.headSize(out, spec.heads());
    launch(kernel.with(out).with(logSumExp).with(qkv), qkv, spec, size, 1);
  }

  @Override
  public void backward(
      Tensor dQkv,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      AttentionSpec spec) {
    int size = AttentionCuda.headSize(out, spec.heads());
    delta(launcher, delta, dOut, out, spec.heads());
    for (String owner : new String[] {"queries", "keys"}) {
      KernelFunction kernel = launcher.kernel("attention_backward_" + owner, qkv.dtype());
      kernel.with(dQkv).with(dOut).with(logSumExp).with(delta).with(qkv);
      launch(kernel, qkv, spec, size, 2);
    }
  }

  /** delta (B, heads, T) = Σ dOut · out of each row and head of (B, T, C). */
  static void delta(Launcher launcher, Tensor delta, Tensor dOut, Tensor out, int heads) {
    int rows = Launcher.rows(out);
    launcher
        .kernel("attention_delta", out.dtype())
        .with(delta)
        .with(dOut)
        .with(out)
        .with(rows)
        .with(heads)
        .with(delta.shape().dim(2))
        .with(AttentionCuda.headSize(out, heads))
        .launch(
            LaunchSize.rows(Math.ceilDiv((long) rows * heads, WARPS), Launcher.WARP, WARPS),
            launcher.stream());
  }

  /** Adds the trailing arguments that all kernels share. */
  private void launch(
      KernelFunction kernel, Tensor qkv, AttentionSpec spec, int size, int ownedTiles) {
    int time = qkv.shape().dim(1);
    kernel.with(time).with(spec.heads()).with(size).with(spec.causal() ? 1 : 0);
    addDropout(kernel, spec.dropout());
    launch(launcher, kernel, time, spec.heads(), qkv.shape().dim(0), size, ownedTiles);
  }

  /**
   * Launches a block for each tile of {@code rows} of each head.
   *
   * @param ownedTiles tiles of these rows per block; it has two more tiles
   */
  static void launch(
      Launcher launcher,
      KernelFunction kernel,
      int rows,
      int heads,
      int batch,
      int size,
      int ownedTiles) {
    int sharedBytes = sharedBytes(ownedTiles, size);
    kernel.allowSharedMemory(sharedBytes);
    kernel.launch(
        new LaunchSize(Math.ceilDiv(rows, TILE), heads, batch, Launcher.WARP, WARPS, sharedBytes),
        launcher.stream());
  }

  /** Tiles of floats with contiguous rows, and two with rows one float apart. */
  private static int sharedBytes(int ownedTiles, int size) {
    return TILE * (ownedTiles * size + 2 * (size + 1)) * Float.BYTES;
  }

  private static void addDropout(KernelFunction kernel, DropoutSpec dropout) {
    if (dropout.isNone()) {
      kernel.with(0L).with(0).with(0f).with(1f);
    } else {
      kernel
          .with(dropout.key().state())
          .with(dropout.key().site())
          .with(dropout.p())
          .with(dropout.scale());
    }
  }
}
