package dev.culebra.backend.cuda;

import dev.culebra.cuda.LaunchSize;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Launches {@code norm.cu}. */
final class NormKernel {
  private static final int THREADS = 512;
  private static final int TOTAL_THREADS = 1024;
  private static final long ELEMENTS_OF_A_BLOCK = 2048;
  private static final int BLOCKS_OF_A_MULTIPROCESSOR = 4;

  private final Launcher launcher;

  NormKernel(Launcher launcher) {
    this.launcher = launcher;
  }

  void norm(Tensor norm, Tensor in) {
    norm(norm.address(), launcher.workspace(partialBytes(in)), in);
  }

  /** Bytes of scratch memory that the norm of a tensor needs. */
  long partialBytes(Tensor in) {
    return (long) parts(in) * Double.BYTES;
  }

  private int parts(Tensor in) {
    return (int)
        Math.min(
            Math.ceilDiv(in.elements(), ELEMENTS_OF_A_BLOCK),
            (long) BLOCKS_OF_A_MULTIPROCESSOR * launcher.multiprocessors());
  }

  /**
   * For a kernel class that has taken the workspace itself.
   *
   * @param norm address of the result
   * @param partials address of {@link #partialBytes} of scratch memory
   */
  void norm(long norm, long partials, Tensor in) {
    int parts = parts(in);
    launcher
        .kernel("norm_partials", DType.F32)
        .with(partials)
        .with(in)
        .with(in.elements())
        .launch(LaunchSize.flat(parts, THREADS), launcher.stream());
    launcher
        .kernel("norm", DType.F32)
        .with(norm)
        .with(partials)
        .with(parts)
        .launch(LaunchSize.flat(1, TOTAL_THREADS), launcher.stream());
  }
}
