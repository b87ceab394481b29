package dev.culebra.cuda;

/**
 * What this build and this machine have for using a GPU. Each component is a phrase to be read:
 * what is there, or why it is missing.
 *
 * @param kernels the GPU kernels of this build
 * @param ffm the libraries behind {@link Binding#FFM}
 * @param jcuda the libraries behind {@link Binding#JCUDA}
 */
public record CudaReport(String kernels, String ffm, String jcuda) {

  /** On this machine, now; takes no GPU into use. */
  public static CudaReport now() {
    return new CudaReport(kernelsNow(), libraries(Binding.FFM), libraries(Binding.JCUDA));
  }

  private static String kernelsNow() {
    try {
      KernelIndex index = KernelIndex.load();
      return "%d, PTX for compute capability 8.0 and newer".formatted(index.size());
    } catch (CudaUnavailableException e) {
      return "none: " + e.getMessage();
    }
  }

  private static String libraries(Binding binding) {
    try {
      return Cuda.open(binding).libraries();
    } catch (CudaUnavailableException e) {
      return "not usable: " + e.getMessage();
    }
  }
}
