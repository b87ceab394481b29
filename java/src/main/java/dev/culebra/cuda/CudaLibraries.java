package dev.culebra.cuda;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds NVIDIA's libraries: on the loader's path, in {@code CUDA_HOME}, in the usual places, and in
 * the CUDA wheels of a Python installation; or at the paths in the properties {@value
 * #DRIVER_PROPERTY} and {@value #CUBLAS_PROPERTY}.
 */
final class CudaLibraries {
  /** System property with the driver library's path. */
  static final String DRIVER_PROPERTY = "culebra.libcuda";

  /** System property with cuBLAS's path. */
  static final String CUBLAS_PROPERTY = "culebra.libcublas";

  private static final String DRIVER = "libcuda.so.1";
  private static final List<String> CUBLAS = List.of("libcublas.so.13", "libcublas.so.12");
  private static final List<String> DRIVER_FOLDERS =
      List.of(
          "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/local/nvidia/lib64", "/usr/lib/wsl/lib");

  private CudaLibraries() {}

  /**
   * The driver.
   *
   * @throws CudaUnavailableException if there is none
   */
  static NativeLibrary loadDriver() {
    List<String> candidates = given(DRIVER_PROPERTY);
    if (candidates.isEmpty()) {
      candidates.add(DRIVER);
      DRIVER_FOLDERS.forEach(folder -> addIfThere(candidates, Path.of(folder, DRIVER)));
    }
    return firstThatLoads(candidates)
        .orElseThrow(
            () ->
                new CudaUnavailableException(
                    "no NVIDIA driver: %s cannot be loaded"
                        .formatted(String.join(" or ", candidates)),
                    "install the driver, or give its path with -D%s=PATH"
                        .formatted(DRIVER_PROPERTY)));
  }

  /**
   * cuBLAS 13 or 12.
   *
   * @throws CudaUnavailableException if there is none
   */
  static NativeLibrary loadCublas() {
    return loadCublas(CUBLAS)
        .orElseThrow(
            () ->
                new CudaUnavailableException(
                    ("cuBLAS cannot be loaded: no %s on the library path, in CUDA_HOME,"
                            + " /usr/local/cuda* or a Python's nvidia wheels; install it, or give"
                            + " its path with -D%s=PATH")
                        .formatted(String.join(" or ", CUBLAS), CUBLAS_PROPERTY)));
  }

  /** The first of these files that can be loaded. */
  static Optional<NativeLibrary> loadCublas(List<String> names) {
    List<String> candidates = given(CUBLAS_PROPERTY);
    if (candidates.isEmpty()) {
      candidates.addAll(names);
      for (Path folder : cublasFolders()) {
        names.forEach(name -> addIfThere(candidates, folder.resolve(name)));
      }
    }
    return firstThatLoads(candidates);
  }

  /** cublasLt of the same version, from the same folder as cuBLAS. */
  static Optional<NativeLibrary> loadCublasLt(NativeLibrary cublas) {
    return firstThatLoads(List.of(neighbourOf(cublas.name())));
  }

  private static List<String> given(String property) {
    List<String> candidates = new ArrayList<>();
    String path = System.getProperty(property);
    if (path != null) {
      candidates.add(path);
    }
    return candidates;
  }

  private static void addIfThere(List<String> candidates, Path file) {
    if (Files.exists(file)) {
      candidates.add(file.toString());
    }
  }

  private static Optional<NativeLibrary> firstThatLoads(List<String> candidates) {
    for (String candidate : candidates) {
      try {
        preloadNeighbour(candidate);
        return Optional.of(NativeLibrary.load(candidate));
      } catch (IllegalArgumentException e) {
        // The next one may load.
      }
    }
    return Optional.empty();
  }

  /**
   * cuBLAS needs libcublasLt, which the loader finds in the same folder only if it is already
   * loaded.
   */
  private static void preloadNeighbour(String candidate) {
    Path lt = Path.of(neighbourOf(candidate));
    if (lt.isAbsolute() && !lt.equals(Path.of(candidate)) && Files.exists(lt)) {
      NativeLibrary.load(lt.toString());
    }
  }

  private static String neighbourOf(String cublas) {
    return cublas.replace("libcublas.so", "libcublasLt.so");
  }

  private static List<Path> cublasFolders() {
    List<Path> folders = new ArrayList<>();
    String home = System.getenv("CUDA_HOME");
    if (home != null && !home.isBlank()) {
      folders.add(Path.of(home, "lib64"));
    }
    folders.add(Path.of("/usr/local/cuda/lib64"));
    PythonWheels.matches(Path.of("/usr/local"), "cuda-*").stream()
        .map(cuda -> cuda.resolve("lib64"))
        .forEach(folders::add);
    folders.add(Path.of("/usr/lib/x86_64-linux-gnu"));
    folders.addAll(PythonWheels.folders());
    return folders;
  }
}
