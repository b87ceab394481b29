package dev.culebra.cuda;

import java.util.List;
import jcuda.jcublas.JCublas2;

/** Opens CUDA through JCuda 12.6, whose native half is unpacked from its jars. */
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
    NativeLibrary cublas =
        CudaLibraries.loadCublas(CUBLAS)
            .orElseThrow(
                () ->
                    new CudaUnavailableException(
                        ("JCublas 12.6 needs %s, which cannot be loaded (it does not work with"
                                + " CUDA 13): use --binding ffm, or give its path with -D%s=PATH")
                            .formatted(CUBLAS.getFirst(), CudaLibraries.CUBLAS_PROPERTY)));
    CudaBlas blas =
        load(
            "JCublas",
            () -> {
              JCublas2.initialize();
              return new JCublasCalls();
            });
    String libraries = "JCuda 12.6.0, " + cuda.name() + ", " + cublas.name();
    return new Cuda(Binding.JCUDA, driver, blas, null, libraries);
  }

  /**
   * Loads JCuda's half for the driver, which NVIDIA's own must have been loaded before.
   *
   * @throws CudaUnavailableException if it is missing or the driver does not start
   */
  static CudaDriver driver() {
    return load("JCuda", JCudaCalls::new);
  }

  private static <C> C load(String name, java.util.function.Supplier<C> calls) {
    try {
      return calls.get();
    } catch (UnsatisfiedLinkError | NoClassDefFoundError | ExceptionInInitializerError e) {
      throw new CudaUnavailableException(
          "%s cannot be loaded, use --binding ffm: %s".formatted(name, firstLine(e)));
    }
  }

  private static String firstLine(Throwable e) {
    Throwable root = e.getCause() == null ? e : e.getCause();
    String message = String.valueOf(root.getMessage());
    return message.lines().findFirst().orElse(message);
  }
}
