package dev.culebra.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DriverProbeTest {
  @TempDir Path folder;

  @Test
  void aMachineWithoutADriverIsAnAnswer() {
    GpuReport report = DriverProbe.probe("libculebra-missing.so", folder.resolve("missing"));

    assertThat(report.driver()).isNull();
    assertThat(report.gpus()).isEmpty();
    assertThat(report.problem())
        .isEqualTo("no NVIDIA driver: libculebra-missing.so cannot be loaded");
  }

  @Test
  void aLibraryThatIsNoDriverIsAnAnswer() {
    GpuReport report = DriverProbe.probe("libc.so.6", folder.resolve("missing"));

    assertThat(report.gpus()).isEmpty();
    assertThat(report.problem()).isEqualTo("the driver has no cuDriverGetVersion");
  }

  @Test
  void theKernelModuleTellsItsVersion() throws IOException {
    Path proc =
        Files.writeString(
            folder.resolve("version"),
            """
            NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build
            GCC version:  gcc version 13.3.0
            """);

    assertThat(DriverProbe.probe("libculebra-missing.so", proc).driver()).isEqualTo("580.65.06");
  }

  @Test
  void thisMachineHasGpusOrAReason() {
    GpuReport report = DriverProbe.probe();

    assertThat(report.gpus().isEmpty()).isEqualTo(report.problem() != null);
  }
}
