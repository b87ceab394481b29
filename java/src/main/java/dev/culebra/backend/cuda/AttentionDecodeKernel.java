package dev.culebra.backend.cuda;

import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.Tensor;

/** Launches {@code attention_decode.cu}: the cache of keys and values, and one token against it. */
final class AttentionDecodeKernel {
  private static final int WARPS = 8;

  private final Launcher launcher;

  AttentionDecodeKernel(Launcher launcher) {
    this.launcher = launcher;
  }

  void cacheKeysValues(Tensor keys, Tensor values, Tensor qkv) {
    int batch = qkv.shape().dim(0);
    int time = qkv.shape().dim(1);
    int width = Launcher.columns(keys);
    int pack = Launcher.packOf(width, keys, values, qkv);
    launcher
        .kernel("cache_keys_values", qkv.dtype())
        .with(keys)
        .with(values)
        .with(qkv)
        .with(batch)
        .with(time)
        .with(keys.shape().dim(1))
        .with(width)
        .launch(Launcher.flat((long) batch * time * width, pack), launcher.stream());
  }

  void decode(Tensor out, Tensor keys, Tensor values, Tensor qkv, Tensor position, int heads) {
    int size = AttentionKernel.headSize(out, heads);
    launcher
        .kernel("attention_decode", qkv.dtype())
        .with(out)
        .with(keys)
        .with(values)
        .with(qkv)
        .with(position)
        .with(heads)
        .with(size)
        .with(keys.shape().dim(1))
        .launch(
            LaunchSize.rows(heads, Launcher.WARP, WARPS).grid(heads, keys.shape().dim(0)),
            launcher.stream());
  }
}
