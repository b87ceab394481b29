package dev.culebra.backend.cuda;

import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/**
 * Launches {@code attention_mma.cu} for BF16 heads whose size is a multiple of 8, and {@code
 * attention.cu} for all others.
 */
final class AttentionKernel {
  static final int MAX_HEAD_SIZE = 128;
  private static final int PACK_BYTES = 16;
  private static final int PACK = 8;

  /** Rows of a block of {@code attention.cu}, and its warps. */
  private static final int TILE = 32;

  private static final int WARPS = 8;

  /** Rows that a block of {@code attention_mma.cu} owns, and its threads. */
  private static final int MMA_ROWS = 64;

  private static final int MMA_THREADS = 128;

  /** Head sizes that there are instances for; a smaller one is filled up. */
  private static final int[] MMA_SIZES = {32, 64, MAX_HEAD_SIZE};

  private final Launcher launcher;

  AttentionKernel(Launcher launcher) {
    this.launcher = launcher;
  }

  void forward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
    int size = headSize(out, spec.heads());
    if (onTensorCores(size, out, qkv)) {
      int instance = instance(size);
      KernelFunction kernel = mma("forward", instance).with(out).with(logSumExp).with(qkv);
      launch(kernel, qkv, spec, size, MMA_ROWS, MMA_THREADS, 1, mmaBytes(1, MMA_ROWS, instance));
    } else {
      KernelFunction kernel =
          launcher.kernel("attention_forward", qkv.dtype()).with(out).with(logSumExp).with(qkv);
      launch(kernel, qkv, spec, size, TILE, Launcher.WARP, WARPS, tileBytes(1, size));
    }
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
    delta(delta, dOut, out, spec.heads(), qkv.shape().dim(1), size);
    boolean tensorCores = onTensorCores(size, dQkv, dOut, qkv);
    for (String owner : new String[] {"backward_queries", "backward_keys"}) {
      KernelFunction kernel =
          tensorCores
              ? mma(owner, instance(size))
              : launcher.kernel("attention_" + owner, qkv.dtype());
      kernel.with(dQkv).with(dOut).with(logSumExp).with(delta).with(qkv);
      if (tensorCores) {
        int instance = instance(size);
        int streamedRows = instance == MAX_HEAD_SIZE ? MMA_ROWS / 2 : MMA_ROWS;
        int sharedBytes = mmaBytes(2, streamedRows, instance);
        launch(kernel, qkv, spec, size, MMA_ROWS, MMA_THREADS, 1, sharedBytes);
      } else {
        launch(kernel, qkv, spec, size, TILE, Launcher.WARP, WARPS, tileBytes(2, size));
      }
    }
  }

  private void delta(Tensor delta, Tensor dOut, Tensor out, int heads, int time, int size) {
    int rows = Launcher.rows(out);
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
            LaunchSize.rows(Math.ceilDiv((long) rows * heads, WARPS), Launcher.WARP, WARPS),
            launcher.stream());
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

  private static boolean onTensorCores(int size, Tensor... tensors) {
    for (Tensor tensor : tensors) {
      if (tensor.dtype() != DType.BF16 || tensor.address() % PACK_BYTES != 0) {
        return false;
      }
    }
    return size % PACK == 0;
  }

  private static int instance(int size) {
    int i = 0;
    while (MMA_SIZES[i] < size) {
      i++;
    }
    return MMA_SIZES[i];
  }

  private KernelFunction mma(String pass, int instance) {
    return launcher.kernel("attention_mma_" + pass + "_d" + instance, DType.BF16);
  }

  /** Tiles that stay, and two pairs of tiles that are streamed past. */
  private static int mmaBytes(int ownedTiles, int streamedRows, int instance) {
    return (ownedTiles * MMA_ROWS + 4 * streamedRows) * instance * DType.BF16.bytes();
  }

  /** Tiles of floats whose rows lie one behind the other, and two with one float between. */
  private static int tileBytes(int ownedTiles, int size) {
    return TILE * (ownedTiles * size + 2 * (size + 1)) * Float.BYTES;
  }

  /** Adds the arguments that all have at the end, and launches a block for each piece of rows. */
  private void launch(
      KernelFunction kernel,
      Tensor qkv,
      AttentionSpec spec,
      int size,
      int rowsOfBlock,
      int blockX,
      int blockY,
      int sharedBytes) {
    int time = qkv.shape().dim(1);
    kernel.with(time).with(spec.heads()).with(size).with(spec.causal() ? 1 : 0);
    addDropout(kernel, spec.dropout());
    kernel.allowSharedMemory(sharedBytes);
    kernel.launch(
        new LaunchSize(
            Math.ceilDiv(time, rowsOfBlock),
            spec.heads(),
            qkv.shape().dim(0),
            blockX,
            blockY,
            sharedBytes),
        launcher.stream());
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
