package dev.culebra.bench.race;

import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.bench.openblas.OpenBlasBackend;
import java.io.IOException;
import java.util.Map;

/** The engines. Each runs in its own JVM, so that its memory can be measured separately. */
enum Engine {
  CULEBRA("Culebra", Map.of()),
  /** Culebra with its matrix products from OpenBLAS. */
  OPENBLAS("Culebra on OpenBLAS", Map.of()),
  PYTORCH("PyTorch (DJL)", Map.of()),
  /**
   * glibc keeps freed memory instead of returning it to the system: the best setting for PyTorch.
   */
  PYTORCH_TUNED(
      "PyTorch (DJL), malloc tuned",
      Map.of(
          "GLIBC_TUNABLES",
          "glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=8589934592"
              + ":glibc.malloc.top_pad=268435456"));

  private final String label;
  private final Map<String, String> environment;

  Engine(String label, Map<String, String> environment) {
    this.label = label;
    this.environment = environment;
  }

  String label() {
    return label;
  }

  /** The environment of its process. */
  Map<String, String> environment() {
    return environment;
  }

  boolean isPyTorch() {
    return this == PYTORCH || this == PYTORCH_TUNED;
  }

  /** Creates a model that is ready to train. */
  Contestant enter(Course course, int threads) throws IOException {
    return switch (this) {
      case CULEBRA -> new CulebraContestant(course, new CpuBackend(threads));
      case OPENBLAS -> new CulebraContestant(course, new OpenBlasBackend(threads));
      case PYTORCH, PYTORCH_TUNED -> new PyTorchContestant(course);
    };
  }
}
