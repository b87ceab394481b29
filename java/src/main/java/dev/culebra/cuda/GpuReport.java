package dev.culebra.cuda;

import java.util.List;

/**
 * The result of {@link DriverProbe}.
 *
 * @param driver version of NVIDIA's kernel module, {@code null} if it is not loaded
 * @param cudaVersion newest CUDA version that the driver can run, such as {@code 13.0}; {@code
 *     null} if unknown
 * @param gpus the usable GPUs, in the driver's order
 * @param problem why there is no GPU, as a phrase; {@code null} if there is one
 */
public record GpuReport(String driver, String cudaVersion, List<Gpu> gpus, String problem) {
  /** Copies the list. */
  public GpuReport {
    gpus = List.copyOf(gpus);
  }

  /**
   * A GPU.
   *
   * @param name such as {@code NVIDIA H100 80GB HBM3}
   * @param capability compute capability, such as {@code 9.0}
   * @param memoryBytes its memory
   */
  public record Gpu(String name, String capability, long memoryBytes) {}
}
