package dev.culebra.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** JCuda is an optional dependency: here a JVM does not have it. */
@Tag("cuda")
class WithoutJCudaTest {
  @Test
  void ffmWorksAndJCudaSaysWhatToAdd() throws Exception {
    try {
      Cuda.withoutCublas(Binding.FFM);
    } catch (CudaUnavailableException e) {
      assumeTrue(false, e.getMessage());
    }
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !Path.of(entry).getFileName().toString().startsWith("jcu"))
            .collect(Collectors.joining(File.pathSeparator));
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath,
                Both.class.getName())
            .redirectErrorStream(true)
            .start();

    try (var reader = process.inputReader()) {
      List<String> lines = reader.lines().toList();
      assertThat(lines)
          .containsExactly(
              "FFM opens",
              "JCUDA: JCuda is not on the class path: add org.jcuda:jcuda and org.jcuda:jcublas"
                  + " 12.6.0, or use the binding ffm");
    }
    assertThat(process.waitFor()).isZero();
  }

  /** Opens CUDA through either binding, and prints what became of it. */
  static final class Both {
    public static void main(String[] args) {
      for (Binding binding : List.of(Binding.FFM, Binding.JCUDA)) {
        try {
          Cuda.withoutCublas(binding);
          System.out.println(binding + " opens");
        } catch (CudaUnavailableException e) {
          System.out.println(binding + ": " + e.getMessage());
        }
      }
    }
  }
}
