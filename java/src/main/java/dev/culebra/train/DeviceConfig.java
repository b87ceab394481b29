package dev.culebra.train;

import dev.culebra.cuda.Binding;

/**
 * Where and how to compute.
 *
 * @param device which device
 * @param threads of the processor, at most {@value #MAX_THREADS}; 0 for all
 * @param dtype of activations and weights
 * @param tf32 whether a GPU may round the inputs of fp32 matrix products to TF32
 * @param binding how Java calls CUDA
 */
public record DeviceConfig(
    DeviceChoice device, int threads, DtypeChoice dtype, boolean tf32, Binding binding) {
  /** More than any processor has. */
  static final int MAX_THREADS = 1024;

  /**
   * @throws IllegalArgumentException with one line that names the option
   */
  public DeviceConfig {
    requireThreads(threads);
  }

  static void requireThreads(int threads) {
    if (threads < 0 || threads > MAX_THREADS) {
      throw new IllegalArgumentException(
          "--threads must be from 0 to %d, not %d".formatted(MAX_THREADS, threads));
    }
  }

  /** The processor, all of it. */
  public static final DeviceConfig CPU =
      new DeviceConfig(DeviceChoice.CPU, 0, DtypeChoice.AUTO, false, Binding.AUTO);
}
