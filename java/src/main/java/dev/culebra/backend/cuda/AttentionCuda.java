package dev.culebra.backend.cuda;

import dev.culebra.backend.AttentionOp;
import dev.culebra.backend.AttentionSpec;
import dev.culebra.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Attention over whole sequences: the first path that supports a call computes it. */
final class AttentionCuda extends AttentionOp {
  static final int MAX_HEAD_SIZE = 128;

  /** In order of preference; the last one supports everything. */
  private final List<AttentionPath> paths;

  /**
   * @throws IllegalArgumentException if Hopper's kernels are requested but cannot run
   */
  AttentionCuda(Launcher launcher, KernelChoice.Attention choice) {
    super(launcher.ops());
    AttentionPath portable = new PortableAttention(launcher);
    paths = new ArrayList<>();
    if (usesHopper(launcher, choice)) {
      paths.add(new HopperAttention(launcher, portable));
    }
    paths.add(portable);
    paths.add(new TiledAttention(launcher));
  }

  private static boolean usesHopper(Launcher launcher, KernelChoice.Attention choice) {
    boolean possible = HopperAttention.runsOn(launcher);
    if (choice == KernelChoice.Attention.HOPPER && !possible) {
      throw new IllegalArgumentException(
          "the attention kernels for Hopper need a GPU of compute capability 9.0 and a driver"
              + " for CUDA 12.1 or newer");
    }
    return possible && choice != KernelChoice.Attention.PORTABLE;
  }

  @Override
  protected void runForward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
    path(headSize(out, spec.heads()), spec, out, qkv).forward(out, logSumExp, qkv, spec);
  }

  @Override
  protected void runBackward(
      Tensor dQkv,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      AttentionSpec spec) {
    path(headSize(out, spec.heads()), spec, dQkv, dOut, out, qkv)
        .backward(dQkv, delta, dOut, out, logSumExp, qkv, spec);
  }

  private AttentionPath path(int headSize, AttentionSpec spec, Tensor... tensors) {
    for (AttentionPath path : paths) {
      if (path.takes(headSize, spec, tensors)) {
        return path;
      }
    }
    throw new AssertionError("the last path supports everything");
  }

  /** D of out (B, T, heads · D). */
  static int headSize(Tensor out, int heads) {
    int size = Launcher.columns(out) / heads;
    if (size > MAX_HEAD_SIZE) {
      throw new IllegalArgumentException(
          "attention on a GPU supports heads of up to %d columns, not %d"
              .formatted(MAX_HEAD_SIZE, size));
    }
    return size;
  }
}
