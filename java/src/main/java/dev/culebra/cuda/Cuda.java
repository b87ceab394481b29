package dev.culebra.cuda;

import java.util.Optional;

/**
 * CUDA on this machine: driver and cuBLAS, called through one binding.
 *
 * @param binding how Java calls them
 * @param driver the Driver API
 * @param blas cuBLAS, or null if it was left out
 * @param blasLt cublasLt, or null if it was left out, could not be loaded, or cuBLAS is called
 *     through JCublas
 * @param libraries the libraries that were loaded, as text
 */
public record Cuda(
    Binding binding, CudaDriver driver, CudaBlas blas, CudaBlasLt blasLt, String libraries) {

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
        ? new Cuda(Binding.JCUDA, JCudaBinding.driver(), null, null, "JCuda 12.6.0, " + cuda.name())
        : new Cuda(Binding.FFM, new DriverThroughFfm(cuda), null, null, cuda.name());
  }

  private static Cuda openFfm() {
    NativeLibrary cuda = CudaLibraries.loadDriver();
    return withFfmBlas(Binding.FFM, new DriverThroughFfm(cuda), cuda.name());
  }

  /**
   * A driver and, through FFM, cuBLAS.
   *
   * @param driverLibraries the libraries through which the driver is called, as text
   * @throws CudaUnavailableException if there is no cuBLAS
   */
  static Cuda withFfmBlas(Binding binding, CudaDriver driver, String driverLibraries) {
    NativeLibrary cublas = CudaLibraries.loadCublas();
    Optional<NativeLibrary> lt = CudaLibraries.loadCublasLt(cublas);
    String libraries =
        "%s, %s, %s"
            .formatted(
                driverLibraries,
                cublas.name(),
                lt.map(NativeLibrary::name).orElse("no cublasLt: slower products"));
    return new Cuda(
        binding,
        driver,
        new BlasThroughFfm(cublas),
        lt.map(BlasLtThroughFfm::new).orElse(null),
        libraries);
  }
}
