package dev.culebra.kernels;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Runs {@code BuildKernels.java} on a folder of sources, as in the build. */
record KernelBuild(Path folder) {
  static final Path BUILT = Path.of("target/classes/dev/culebra/kernels");

  record Built(int exitCode, String said) {}

  /** Skips the test if there is no nvcc here. */
  static void assumeNvcc() throws IOException {
    JsonNode problem = index(BUILT).get("problem");
    assumeTrue(problem == null, () -> problem.asText());
  }

  static JsonNode index(Path ptx) throws IOException {
    return JsonMapper.builder().build().readTree(ptx.resolve("index.json").toFile());
  }

  /** Builds module.cu. */
  Built build(String source) throws IOException, InterruptedException {
    Files.writeString(folder.resolve("module.cu"), source);
    return build(Map.of(), List.of());
  }

  /** Builds module.cu with a baseline; {@code how} is "check" or "accept". */
  Built build(String source, String how) throws IOException, InterruptedException {
    Files.writeString(folder.resolve("module.cu"), source);
    return build(Map.of(), List.of(baseline().toString(), how));
  }

  Built build(Map<String, String> environment, List<String> more)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("build-kernels/BuildKernels.java");
    command.add(folder.toString());
    command.add(ptx().toString());
    command.add(report().toString());
    command.addAll(more);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes());
    return new Built(process.waitFor(), said);
  }

  Path ptx() {
    return folder.resolve("ptx");
  }

  Path report() {
    return folder.resolve("kernels.md");
  }

  Path baseline() {
    return folder.resolve("profile.md");
  }
}
