package dev.culebra.backend.cuda;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.culebra.cuda.Binding;
import dev.culebra.cuda.CudaUnavailableException;
import dev.culebra.tensor.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The GPU of the tests: the one that the loader finds, which is the simulator if Surefire puts it
 * on the library path.
 */
public final class TestGpu {
  private static final Path SIMULATOR = Path.of("../native-build/target/simulator");

  /** Rows of a statistical test: the simulator takes about a millisecond for one. */
  static final int SIMULATED_DRAWS = 1000;

  private TestGpu() {}

  /** Opens a backend; skips the test, with the reason, if that is impossible. */
  public static CudaBackend open(Binding binding, DType dtype) {
    return open(binding, dtype, KernelChoice.AUTO);
  }

  /** The same with a choice of kernels. */
  public static CudaBackend open(Binding binding, DType dtype, KernelChoice kernels) {
    try {
      return new CudaBackend(new CudaConfig(0, binding, dtype, false, kernels));
    } catch (CudaUnavailableException e) {
      if (Files.exists(SIMULATOR.resolve("release"))) {
        throw e;
      }
      return abort(reason(e));
    }
  }

  private static String reason(CudaUnavailableException e) {
    Path reason = SIMULATOR.resolve("unavailable");
    try {
      return Files.exists(reason) ? Files.readString(reason).strip() : e.getMessage();
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }
}
