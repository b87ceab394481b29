package dev.culebra.cuda;

import java.util.List;
import java.util.Optional;
import jcuda.jcublas.JCublas2;

/**
 * Opens CUDA through JCuda and JCublas 12.6, whose native libraries are unpacked from their jars.
 * JCublas needs cuBLAS 12; any other version is called through FFM.
 */
final class JCudaBinding {
  private static final List<String> CUBLAS = List.of("libcublas.so.12");

  private JCudaBinding() {}

  /**
   * Loads NVIDIA's libraries that JCuda needs, then JCuda's.
   *
   * @throws CudaUnavailableException if one is missing or the driver does not start
   */
  static Cuda open() {
    NativeLibrary cuda = CudaLibraries.loadDriver();
    CudaDriver driver = driver();
    String libraries = "JCuda 12.6.0, " + cuda.name();
    Optional<NativeLibrary> cublas = CudaLibraries.loadCublas(CUBLAS);
    if (cublas.isEmpty()) {
      return withFfmBlas(driver, libraries, "JCublas needs cuBLAS 12");
    }
    try {
      JCublas2.initialize();
    } catch (UnsatisfiedLinkError | NoClassDefFoundError | ExceptionInInitializerError e) {
      return withFfmBlas(driver, libraries, "JCublas cannot be loaded: " + firstLine(e));
    }
    return new Cuda(
        Binding.JCUDA,
        driver,
        new BlasThroughJCuda(),
        null,
        libraries + ", " + cublas.get().name());
  }

  private static Cuda withFfmBlas(CudaDriver driver, String libraries, String reason) {
    return Cuda.withFfmBlas(
        Binding.JCUDA, driver, "%s, and through FFM, as %s".formatted(libraries, reason));
  }

  /**
   * Loads JCuda's library for the driver; NVIDIA's driver must be loaded already.
   *
   * @throws CudaUnavailableException if it is missing or the driver does not start
   */
  static CudaDriver driver() {
    if (JCudaBinding.class.getResource("/jcuda/driver/JCudaDriver.class") == null) {
      throw new CudaUnavailableException(
          "JCuda is not on the class path: add org.jcuda:jcuda and org.jcuda:jcublas 12.6.0, or use"
              + " the binding ffm");
    }
    try {
      return new DriverThroughJCuda();
    } catch (UnsatisfiedLinkError | NoClassDefFoundError | ExceptionInInitializerError e) {
      throw new CudaUnavailableException(
          "JCuda cannot be loaded, use the binding ffm: " + firstLine(e));
    }
  }

  private static String firstLine(Throwable e) {
    Throwable root = e.getCause() == null ? e : e.getCause();
    String message = String.valueOf(root.getMessage());
    return message.lines().findFirst().orElse(message);
  }
}
