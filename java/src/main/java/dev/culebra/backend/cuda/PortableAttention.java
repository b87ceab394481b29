package dev.culebra.backend.cuda;

import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/**
 * Launches {@code attention_mma.cu}: BF16, head sizes that are multiples of 8; with dropout, T that
 * is a multiple of 4.
 */
final class PortableAttention implements AttentionPath {
  private static final int PACK_BYTES = 16;
  private static final int PACK = 8;

  /** Keys that share a Philox block. */
  private static final int QUAD = 4;

  private static final int THREADS = 128;
  private static final int WARPS = THREADS / Launcher.WARP;
  private static final int TILE_ROWS = 16;

  /** Heads whose blocks run beside each other, so that the L2 cache holds their keys and values. */
  private static final int GROUP = 32;

  /**
   * The shape of a kernel for heads of up to {@code headSize}.
   *
   * @param tiles tiles of 16 rows that a warp owns
   * @param streamed rows of a tile that is streamed past
   */
  private record Shape(String name, int headSize, int tiles, int streamed) {
    int rows() {
      return WARPS * tiles * TILE_ROWS;
    }

    /** Two pairs of tiles that are streamed past, and matrices of the rows that stay. */
    int sharedBytes(int ownedMatrices) {
      return (4 * streamed + ownedMatrices * rows()) * headSize * DType.BF16.bytes();
    }
  }

  private static final Shape[] FORWARD = {
    new Shape("forward", 32, 2, 64),
    new Shape("forward", 64, 2, 64),
    new Shape("forward", 128, 1, 64)
  };
  private static final Shape[] QUERIES = {
    new Shape("backward_queries", 32, 2, 64),
    new Shape("backward_queries", 64, 2, 64),
    new Shape("backward_queries", 128, 1, 32)
  };
  private static final Shape[] KEYS = {
    new Shape("backward_keys", 32, 2, 64),
    new Shape("backward_keys", 64, 2, 64),
    new Shape("backward_keys", 128, 1, 32)
  };

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
    int time = tensors[0].shape().dim(1);
    return headSize % PACK == 0 && (spec.dropout().isNone() || time % QUAD == 0);
  }

  @Override
  public void forward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
    int size = AttentionKernel.headSize(out, spec.heads());
    Shape shape = of(FORWARD, size);
    KernelFunction kernel = kernel(shape, spec).with(out).with(logSumExp).with(qkv);
    launch(kernel, shape, shape.sharedBytes(0), qkv, spec, size);
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
    Shape queries = of(QUERIES, size);
    KernelFunction kernel =
        kernel(queries, spec).with(dQkv).with(delta).with(dOut).with(out).with(logSumExp).with(qkv);
    launch(kernel, queries, queries.sharedBytes(2), qkv, spec, size);
    Shape keys = of(KEYS, size);
    kernel = kernel(keys, spec).with(dQkv).with(dOut).with(logSumExp).with(delta).with(qkv);
    launch(kernel, keys, keys.sharedBytes(2) + statisticsBytes(keys), qkv, spec, size);
  }

  /** Of the queries of two tiles: twice delta, and the log-sum-exp. */
  private static int statisticsBytes(Shape keys) {
    return 2 * keys.streamed * 3 * Float.BYTES;
  }

  /** The shape whose head size is the smallest that is not below {@code size}. */
  private static Shape of(Shape[] shapes, int size) {
    int i = 0;
    while (shapes[i].headSize < size) {
      i++;
    }
    return shapes[i];
  }

  private KernelFunction kernel(Shape shape, AttentionSpec spec) {
    String dropout = spec.dropout().isNone() ? "" : "_dropout";
    return launcher.kernel(
        "attention_mma_" + shape.name + dropout + "_d" + shape.headSize, DType.BF16);
  }

  /** Adds the arguments that all have at the end, and launches a block for each piece of rows. */
  private void launch(
      KernelFunction kernel,
      Shape shape,
      int sharedBytes,
      Tensor qkv,
      AttentionSpec spec,
      int size) {
    int time = qkv.shape().dim(1);
    int allHeads = qkv.shape().dim(0) * spec.heads();
    kernel.with(time).with(spec.heads()).with(size).with(spec.causal() ? 1 : 0);
    kernel.with(GROUP).with(allHeads);
    DropoutSpec dropout = spec.dropout();
    if (!dropout.isNone()) {
      kernel.with(dropout.key().state()).with(dropout.key().site());
      kernel.with(dropout.p()).with(dropout.scale());
    }
    kernel.allowSharedMemory(sharedBytes);
    int blocks = Math.multiplyExact(Math.ceilDiv(time, shape.rows()), allHeads);
    kernel.launch(new LaunchSize(blocks, 1, 1, THREADS, 1, sharedBytes), launcher.stream());
  }
}
