package dev.culebra.backend.cuda;

import dev.culebra.backend.AttentionDecodeOp;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.Tensor;

/**
 * Launches {@code attention_decode.cu}: fills the cache of keys and values, and attends from one
 * token to it.
 */
final class AttentionDecodeCuda extends AttentionDecodeOp {
  private static final int WARPS = 8;
  private static final int CACHE_THREADS = 256;
  private static final int CACHE_ROWS = 4;

  private final Launcher launcher;

  AttentionDecodeCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
  }

  @Override
  protected void runCacheKeysValues(Tensor keys, Tensor values, Tensor qkv, int heads) {
    int rows = Launcher.rows(qkv);
    int width = Launcher.columns(keys);
    int size = Launcher.columns(qkv) / (3 * heads);
    int pack = Launcher.packOf(size, keys, values, qkv);
    launcher
        .kernel("cache_keys_values", qkv.dtype())
        .with(keys)
        .with(values)
        .with(qkv)
        .with(rows)
        .with(qkv.shape().dim(1))
        .with(keys.shape().dim(1))
        .with(width)
        .with(groupSize(keys, size, heads))
        .with(size)
        .launch(
            Launcher.rowBlocks(rows, width, pack, CACHE_THREADS, CACHE_ROWS, Integer.MAX_VALUE),
            launcher.stream());
  }

  @Override
  protected void runForward(
      Tensor out, Tensor keys, Tensor values, Tensor qkv, Tensor position, int heads) {
    int size = AttentionCuda.headSize(out, heads);
    launcher
        .kernel("attention_decode", qkv.dtype())
        .with(out)
        .with(keys)
        .with(values)
        .with(qkv)
        .with(position)
        .with(heads)
        .with(groupSize(keys, size, heads))
        .with(size)
        .with(keys.shape().dim(1))
        .launch(
            LaunchSize.rows(heads, Launcher.WARP, WARPS).grid(heads, keys.shape().dim(0)),
            launcher.stream());
  }

  /** The number of heads that share a key of the cache. */
  private static int groupSize(Tensor keys, int size, int heads) {
    return heads * size / Launcher.columns(keys);
  }
}
