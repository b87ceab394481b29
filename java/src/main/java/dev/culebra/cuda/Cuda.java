package dev.culebra.cuda;

import java.util.Optional;

/**
 * CUDA on this machine: driver and cuBLAS, called in one way.
 *
 * @param binding how Java calls them
 * @param driver the Driver API
 * @param blas cuBLAS, or null where it was left out
 * @param blasLt cublasLt, or null where it was left out, could not be loaded or the binding does
 *     not call it
 * @param libraries the libraries that were loaded, for people
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
        : new Cuda(Binding.FFM, new FfmDriver(cuda), null, null, cuda.name());
  }

  private static Cuda openFfm() {
    NativeLibrary cuda = CudaLibraries.loadDriver();
    FfmDriver driver = new FfmDriver(cuda);
    NativeLibrary cublas = CudaLibraries.loadCublas();
    Optional<NativeLibrary> cublasLt = CudaLibraries.loadCublasLt(cublas);
    String libraries =
        "%s, %s, %s"
            .formatted(
                cuda.name(),
                cublas.name(),
                cublasLt.map(NativeLibrary::name).orElse("no cublasLt: slower products"));
    return new Cuda(
        Binding.FFM,
        driver,
        new FfmBlas(cublas),
        cublasLt.map(FfmBlasLt::new).orElse(null),
        libraries);
  }
}
