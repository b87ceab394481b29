package dev.culebra.backend.cuda;

import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Launches {@code attention_mma.cu}: BF16, head sizes that are multiples of 8. */
final class PortableAttention implements AttentionPath {
  private static final int PACK_BYTES = 16;
  private static final int PACK = 8;

  /** Rows that a block owns, and its threads. */
  private static final int ROWS = 64;

  private static final int THREADS = 128;

  /** Head sizes that there are instances for; a smaller one is filled up. */
  private static final int[] SIZES = {32, 64, AttentionKernel.MAX_HEAD_SIZE};

  private final Launcher launcher;

  PortableAttention(Launcher launcher) {
    this.launcher = launcher;
  }

  @Override
  public boolean takes(int headSize, AttentionSpec spec, Tensor... tensors) {
    for (Tensor tensor : tensors) {
      if (tensor.dtype() != DType.BF16 || tensor.address() % PACK_BYTES != 0) {
        return false;
      }
    }
    return headSize % PACK == 0;
  }

  @Override
  public void forward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
    int size = AttentionKernel.headSize(out, spec.heads());
    int instance = instance(size);
    KernelFunction kernel = kernel("forward", instance).with(out).with(logSumExp).with(qkv);
    launch(kernel, qkv, spec, size, sharedBytes(1, ROWS, instance));
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
    int size = AttentionKernel.headSize(out, spec.heads());
    delta(delta, dOut, out, spec.heads(), qkv.shape().dim(1), size);
    int instance = instance(size);
    int streamedRows = instance == AttentionKernel.MAX_HEAD_SIZE ? ROWS / 2 : ROWS;
    for (String owner : new String[] {"backward_queries", "backward_keys"}) {
      KernelFunction kernel = kernel(owner, instance);
      kernel.with(dQkv).with(dOut).with(logSumExp).with(delta).with(qkv);
      launch(kernel, qkv, spec, size, sharedBytes(2, streamedRows, instance));
    }
  }

  private void delta(Tensor delta, Tensor dOut, Tensor out, int heads, int time, int size) {
    int rows = Launcher.rows(out);
    int warps = 8;
    launcher
        .kernel("attention_delta", out.dtype())
        .with(delta)
        .with(dOut)
        .with(out)
        .with(rows)
        .with(heads)
        .with(time)
        .with(size)
        .launch(
            LaunchSize.rows(Math.ceilDiv((long) rows * heads, warps), Launcher.WARP, warps),
            launcher.stream());
  }

  private static int instance(int size) {
    int i = 0;
    while (SIZES[i] < size) {
      i++;
    }
    return SIZES[i];
  }

  private KernelFunction kernel(String pass, int instance) {
    return launcher.kernel("attention_mma_" + pass + "_d" + instance, DType.BF16);
  }

  /** Tiles that stay, and two pairs of tiles that are streamed past. */
  private static int sharedBytes(int ownedTiles, int streamedRows, int instance) {
    return (ownedTiles * ROWS + 4 * streamedRows) * instance * DType.BF16.bytes();
  }

  /** Adds the arguments that all have at the end, and launches a block for each piece of rows. */
  private void launch(
      KernelFunction kernel, Tensor qkv, AttentionSpec spec, int size, int sharedBytes) {
    int time = qkv.shape().dim(1);
    kernel.with(time).with(spec.heads()).with(size).with(spec.causal() ? 1 : 0);
    DropoutSpec dropout = spec.dropout();
    if (dropout.isNone()) {
      kernel.with(0L).with(0).with(0f).with(1f);
    } else {
      kernel
          .with(dropout.key().state())
          .with(dropout.key().site())
          .with(dropout.p())
          .with(dropout.scale());
    }
    kernel.allowSharedMemory(sharedBytes);
    kernel.launch(
        new LaunchSize(
            Math.ceilDiv(time, ROWS), spec.heads(), qkv.shape().dim(0), THREADS, 1, sharedBytes),
        launcher.stream());
  }
}
