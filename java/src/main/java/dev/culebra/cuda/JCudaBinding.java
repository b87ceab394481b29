package dev.culebra.cuda;

import java.util.List;
import java.util.Optional;
import jcuda.jcublas.JCublas2;

/**
 * Opens CUDA through JCuda and JCublas 12.6, whose native halves are unpacked from their jars.
 * JCublas needs cuBLAS 12; where there is another, FFM calls that.
 */
final class JCudaBinding {
  private static final List<String> CUBLAS = List.of("libcublas.so.12");

  private JCudaBinding() {}

  /**
   * Loads JCuda's libraries, and before them those of NVIDIA that they need.
   *
   * @throws CudaUnavailableException if one is missing or the driver does not start
   */
  static Cuda open() {
    NativeLibrary cuda = CudaLibraries.loadDriver();
    CudaDriver driver = driver();
    String libraries = "JCuda 12.6.0, " + cuda.name();
    Optional<NativeLibrary> cublas = loadJCublas();
    return cublas.isPresent()
        ? new Cuda(
            Binding.JCUDA, driver, new JCublasCalls(), null, libraries + ", " + cublas.get().name())
        : Cuda.withFfmBlas(
            Binding.JCUDA, driver, libraries + ", and through FFM, as JCublas needs cuBLAS 12");
  }

  /** The cuBLAS that JCublas calls, where both can be loaded. */
  private static Optional<NativeLibrary> loadJCublas() {
    return CudaLibraries.loadCublas(CUBLAS)
        .filter(
            cublas -> {
              try {
                JCublas2.initialize();
                return true;
              } catch (UnsatisfiedLinkError
                  | NoClassDefFoundError
                  | ExceptionInInitializerError e) {
                return false;
              }
            });
  }

  /**
   * Loads JCuda's half for the driver, which NVIDIA's own must have been loaded before.
   *
   * @throws CudaUnavailableException if it is missing or the driver does not start
   */
  static CudaDriver driver() {
    try {
      return new JCudaCalls();
    } catch (UnsatisfiedLinkError | NoClassDefFoundError | ExceptionInInitializerError e) {
      throw new CudaUnavailableException(
          "JCuda cannot be loaded, use --binding ffm: " + firstLine(e));
    }
  }

  private static String firstLine(Throwable e) {
    Throwable root = e.getCause() == null ? e : e.getCause();
    String message = String.valueOf(root.getMessage());
    return message.lines().findFirst().orElse(message);
  }
}
