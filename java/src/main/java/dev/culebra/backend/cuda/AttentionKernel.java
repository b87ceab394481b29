package dev.culebra.backend.cuda;

import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.Tensor;

/** Launches {@code attention.cu}. */
final class AttentionKernel {
  private static final int MAX_HEAD_SIZE = 128;
  private static final int TILE = 32;
  private static final int WARPS = 8;

  /** Dynamic shared memory that a kernel may have without being asked. */
  private static final int USUAL_SHARED_BYTES = 48 << 10;

  private final Launcher launcher;

  AttentionKernel(Launcher launcher) {
    this.launcher = launcher;
  }

  void forward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
    int size = headSize(out, spec.heads());
    KernelFunction kernel =
        launcher
            .kernel("attention_forward", qkv.dtype())
            .with(out)
            .with(logSumExp)
            .with(qkv)
            .with(qkv.shape().dim(1))
            .with(spec.heads())
            .with(size)
            .with(spec.causal() ? 1 : 0);
    launch(withDropout(kernel, spec.dropout()), qkv, spec, tileBytes(1, 2, size));
  }

  void backward(
      Tensor dQkv,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      AttentionSpec spec) {
    int size = headSize(out, spec.heads());
    int rows = Launcher.rows(out);
    launcher
        .kernel("attention_delta", out.dtype())
        .with(delta)
        .with(dOut)
        .with(out)
        .with(rows)
        .with(spec.heads())
        .with(qkv.shape().dim(1))
        .with(size)
        .launch(
            LaunchSize.rows(Math.ceilDiv((long) rows * spec.heads(), WARPS), Launcher.WARP, WARPS),
            launcher.stream());
    for (String half : new String[] {"attention_backward_queries", "attention_backward_keys"}) {
      KernelFunction kernel =
          launcher
              .kernel(half, qkv.dtype())
              .with(dQkv)
              .with(dOut)
              .with(logSumExp)
              .with(delta)
              .with(qkv)
              .with(qkv.shape().dim(1))
              .with(spec.heads())
              .with(size)
              .with(spec.causal() ? 1 : 0);
      launch(withDropout(kernel, spec.dropout()), qkv, spec, tileBytes(2, 2, size));
    }
  }

  static int headSize(Tensor out, int heads) {
    int size = Launcher.columns(out) / heads;
    if (size > MAX_HEAD_SIZE) {
      throw new IllegalArgumentException(
          "attention on a GPU takes heads of up to %d columns, not %d"
              .formatted(MAX_HEAD_SIZE, size));
    }
    return size;
  }

  private static KernelFunction withDropout(KernelFunction kernel, DropoutSpec dropout) {
    return dropout.isNone()
        ? kernel.with(0L).with(0).with(0f).with(1f)
        : kernel
            .with(dropout.key().state())
            .with(dropout.key().site())
            .with(dropout.p())
            .with(dropout.scale());
  }

  /** Tiles of floats whose rows lie one behind the other, and tiles with one float between. */
  private static int tileBytes(int plain, int spaced, int size) {
    return TILE * (plain * size + spaced * (size + 1)) * Float.BYTES;
  }

  private void launch(KernelFunction kernel, Tensor qkv, AttentionSpec spec, int sharedBytes) {
    if (sharedBytes > USUAL_SHARED_BYTES) {
      kernel.allowSharedMemory(sharedBytes);
    }
    int tiles = Math.ceilDiv(qkv.shape().dim(1), TILE);
    kernel.launch(
        new LaunchSize(tiles, spec.heads(), qkv.shape().dim(0), Launcher.WARP, WARPS, sharedBytes),
        launcher.stream());
  }
}
