package dev.culebra.cuda;

/**
 * CUDA on this machine: driver and cuBLAS, called in one way.
 *
 * @param binding how Java calls them
 * @param driver the Driver API
 * @param blas cuBLAS, or null where it was left out
 * @param libraries the libraries that were loaded, for people
 */
public record Cuda(Binding binding, CudaDriver driver, CudaBlas blas, String libraries) {

  /**
   * Loads driver and cuBLAS and starts the driver.
   *
   * @throws CudaUnavailableException if one is missing or does not start
   */
  public static Cuda open(Binding binding) {
    return switch (binding) {
      case AUTO, FFM -> openFfm();
      case JCUDA -> JCudaBinding.open();
    };
  }

  /**
   * Loads and starts the driver only, for work that has no matrix products.
   *
   * @throws CudaUnavailableException if it is missing or does not start
   */
  public static Cuda withoutCublas(Binding binding) {
    NativeLibrary cuda = CudaLibraries.loadDriver();
    return binding == Binding.JCUDA
        ? new Cuda(Binding.JCUDA, JCudaBinding.driver(), null, "JCuda 12.6.0, " + cuda.name())
        : new Cuda(Binding.FFM, new FfmDriver(cuda), null, cuda.name());
  }

  private static Cuda openFfm() {
    NativeLibrary cuda = CudaLibraries.loadDriver();
    FfmDriver driver = new FfmDriver(cuda);
    NativeLibrary cublas = CudaLibraries.loadCublas();
    return new Cuda(Binding.FFM, driver, new FfmBlas(cublas), cuda.name() + ", " + cublas.name());
  }
}
