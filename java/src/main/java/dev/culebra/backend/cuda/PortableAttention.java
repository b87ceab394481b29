package dev.culebra.backend.cuda;

import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.cuda.KernelFunction;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.util.List;

/**
 * Launches {@code attention_mma.cu}: BF16, head sizes that are multiples of 8; with dropout, T must
 * be a multiple of 4.
 */
final class PortableAttention implements AttentionPath {
  private static final int PACK_BYTES = 16;
  private static final int PACK = 8;

  /** Keys per Philox block. */
  private static final int QUAD = 4;

  private static final int THREADS = 128;
  private static final int WARPS = THREADS / Launcher.WARP;
  private static final int TILE_ROWS = 16;

  /** Heads whose blocks run side by side, so that their keys and values stay in the L2 cache. */
  private static final int GROUP = 32;

  /** Minimum number of blocks per multiprocessor to hide latency. */
  private static final int BLOCKS = 2;

  private enum Pass {
    FORWARD("forward"),
    QUERIES("backward_queries"),
    KEYS("backward_keys");

    private final String kernel;

    Pass(String kernel) {
      this.kernel = kernel;
    }
  }

  /**
   * An instance of a kernel.
   *
   * @param headSize largest head size; smaller heads are padded
   * @param tiles tiles of 16 rows per warp
   * @param streamed rows of a streamed tile
   * @param owned number of matrices with the block's own rows in shared memory
   */
  private record Instance(
      Pass pass, String suffix, int headSize, int tiles, int streamed, int owned) {
    int rows() {
      return WARPS * tiles * TILE_ROWS;
    }

    /** Two pairs of tiles, the block's own rows, and the statistics of two tiles of queries. */
    int sharedBytes() {
      int statistics = pass == Pass.KEYS ? 2 * streamed * 3 * Float.BYTES : 0;
      return (4 * streamed + owned * rows()) * headSize * DType.BF16.bytes() + statistics;
    }
  }

  /** By head size; for one size, the first is faster if shared memory suffices. */
  private static final List<Instance> INSTANCES =
      List.of(
          new Instance(Pass.FORWARD, "_d32", 32, 2, 64, 0),
          new Instance(Pass.FORWARD, "_d64", 64, 2, 64, 0),
          new Instance(Pass.FORWARD, "_d128", 128, 1, 64, 0),
          new Instance(Pass.FORWARD, "_d128_small", 128, 1, 32, 0),
          new Instance(Pass.QUERIES, "_d32", 32, 2, 64, 2),
          new Instance(Pass.QUERIES, "_d64", 64, 2, 64, 2),
          new Instance(Pass.QUERIES, "_d64_small", 64, 1, 64, 2),
          new Instance(Pass.QUERIES, "_d128", 128, 1, 32, 2),
          new Instance(Pass.QUERIES, "_d128_small", 128, 1, 16, 2),
          new Instance(Pass.KEYS, "_d32", 32, 2, 64, 2),
          new Instance(Pass.KEYS, "_d64", 64, 2, 64, 2),
          new Instance(Pass.KEYS, "_d64_small", 64, 1, 64, 0),
          new Instance(Pass.KEYS, "_d128", 128, 1, 32, 0));

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
    int size = AttentionCuda.headSize(out, spec.heads());
    Instance forward = instance(Pass.FORWARD, size);
    KernelFunction kernel = kernel(forward, spec).with(out).with(logSumExp).with(qkv);
    launch(kernel, forward, qkv, spec, size);
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
    Instance queries = instance(Pass.QUERIES, size);
    KernelFunction kernel =
        kernel(queries, spec).with(dQkv).with(delta).with(dOut).with(out).with(logSumExp).with(qkv);
    launch(kernel, queries, qkv, spec, size);
    Instance keys = instance(Pass.KEYS, size);
    kernel = kernel(keys, spec).with(dQkv).with(dOut).with(logSumExp).with(delta).with(qkv);
    launch(kernel, keys, qkv, spec, size);
  }

  /**
   * The first instance that fits, or the last, of the smallest head size that is at least {@code
   * size}.
   */
  private Instance instance(Pass pass, int size) {
    Instance best = null;
    for (Instance each : INSTANCES) {
      boolean candidate = each.pass == pass && each.headSize >= size;
      if (candidate && (best == null || each.headSize == best.headSize)) {
        best = each;
        if (launcher.blocksThatFit(each.sharedBytes()) >= BLOCKS) {
          break;
        }
      }
    }
    return best;
  }

  private KernelFunction kernel(Instance instance, AttentionSpec spec) {
    String dropout = spec.dropout().isNone() ? "" : "_dropout";
    return launcher.kernel(
        "attention_mma_" + instance.pass.kernel + dropout + instance.suffix, DType.BF16);
  }

  /**
   * Adds the trailing arguments that all kernels share, and launches a block for each group of
   * rows.
   */
  private void launch(
      KernelFunction kernel, Instance instance, Tensor qkv, AttentionSpec spec, int size) {
    int time = qkv.shape().dim(1);
    int allHeads = qkv.shape().dim(0) * spec.heads();
    kernel.with(time).with(spec.heads()).with(size).with(spec.causal() ? 1 : 0);
    kernel.with(GROUP).with(allHeads);
    DropoutSpec dropout = spec.dropout();
    if (!dropout.isNone()) {
      kernel.with(dropout.key().state()).with(dropout.key().site());
      kernel.with(dropout.p()).with(dropout.scale());
    }
    int sharedBytes = instance.sharedBytes();
    kernel.allowSharedMemory(sharedBytes);
    int blocks = Math.multiplyExact(Math.ceilDiv(time, instance.rows()), allHeads);
    kernel.launch(new LaunchSize(blocks, 1, 1, THREADS, 1, sharedBytes), launcher.stream());
  }
}
