package dev.culebra.backend.cuda;

import dev.culebra.backend.NormOp;
import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Launches {@code norm.cu}. */
final class NormCuda extends NormOp {
  private static final int THREADS = 512;
  private static final int TOTAL_THREADS = 1024;
  private static final long ELEMENTS_OF_A_BLOCK = 2048;
  private static final int BLOCKS_OF_A_MULTIPROCESSOR = 4;

  private final Launcher launcher;

  NormCuda(Launcher launcher) {
    super(launcher.ops());
    this.launcher = launcher;
  }

  @Override
  protected void runCompute(Tensor norm, Tensor in) {
    long elements = in.elements();
    norms(norm.address(), launcher.workspace(partialBytes(1, elements)), in, 1, elements);
  }

  /** Bytes of scratch memory for the norms of {@code count} tensors. */
  long partialBytes(int count, long elements) {
    return (long) count * parts(elements) * Double.BYTES;
  }

  private int parts(long elements) {
    return (int)
        Math.min(
            Math.ceilDiv(elements, ELEMENTS_OF_A_BLOCK),
            (long) BLOCKS_OF_A_MULTIPROCESSOR * launcher.multiprocessors());
  }

  /**
   * Norms of contiguous tensors, for a kernel class that manages the workspace itself.
   *
   * @param norms address of the results, float (count)
   * @param partials address of {@link #partialBytes} of scratch memory
   * @param in all tensors, F32 or BF16
   * @param count number of tensors, at most 65535
   * @param elements elements per tensor
   */
  void norms(long norms, long partials, Tensor in, int count, long elements) {
    int parts = parts(elements);
    launcher
        .kernel("norm_partials", in.dtype())
        .with(partials)
        .with(in)
        .with(elements)
        .launch(LaunchSize.flat(parts, THREADS).grid(parts, count), launcher.stream());
    launcher
        .kernel("norm", DType.F32)
        .with(norms)
        .with(partials)
        .with(parts)
        .launch(LaunchSize.flat(count, TOTAL_THREADS), launcher.stream());
  }
}
