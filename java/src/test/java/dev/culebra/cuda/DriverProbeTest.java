package dev.culebra.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DriverProbeTest {
  @TempDir Path folder;

  /** With the driver in a library; null for no driver. */
  private static GpuReport probe(String library, Path kernelModule) {
    return DriverProbe.probe(
        () -> {
          if (library == null) {
            throw new CudaUnavailableException("no driver here", "install one");
          }
          return NativeLibrary.load(library);
        },
        kernelModule);
  }

  @Test
  void aMissingDriverIsReported() {
    GpuReport report = probe(null, folder.resolve("missing"));

    assertThat(report.driver()).isNull();
    assertThat(report.gpus()).isEmpty();
    assertThat(report.problem()).isEqualTo("no driver here");
  }

  @Test
  void aLibraryThatIsNotADriverIsReported() {
    GpuReport report = probe("libc.so.6", folder.resolve("missing"));

    assertThat(report.gpus()).isEmpty();
    assertThat(report.problem()).isEqualTo("libc.so.6 has no cuGetErrorName: it is too old");
  }

  @Test
  void theVersionComesFromTheKernelModule() throws IOException {
    Path proc =
        Files.writeString(
            folder.resolve("version"),
            """
            NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build
            GCC version:  gcc version 13.3.0
            """);

    assertThat(probe(null, proc).driver()).isEqualTo("580.65.06");
  }

  @Test
  void thisMachineHasGpusOrAReason() {
    GpuReport report = DriverProbe.probe();

    assertThat(report.gpus().isEmpty()).isEqualTo(report.problem() != null);
  }
}
