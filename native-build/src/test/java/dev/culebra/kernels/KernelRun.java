package dev.culebra.kernels;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A kernel of {@code simulator/test-kernels}, run by {@code run-kernel} in its own process: a
 * kernel that fails destroys its context.
 *
 * @param ended whether it succeeded
 * @param said the output of the process: its first 64 results, or the error
 */
record KernelRun(boolean ended, String said) {
  /** The builds of the simulator. */
  enum Build {
    RELEASE,
    CHECKED,
    /** Built when it is asked for, by {@code build.sh … --profile}. */
    PROFILE;

    private Path folder() {
      return SIMULATOR.resolve(name().toLowerCase(java.util.Locale.ROOT));
    }
  }

  /**
   * How a kernel is launched, once for each flag; all have the parameters (float* out, const float*
   * in, int flag).
   */
  record Launch(
      String module, String kernel, int blocks, int threads, int sharedBytes, int... flags) {}

  private static final Path SIMULATOR = Path.of("target/simulator").toAbsolutePath();
  private static final int SECONDS = 60;

  /** Runs with settings of the simulator, such as {@code CULEBRA_SIM_ORDER}. */
  static KernelRun of(Build build, Launch launch, Map<String, String> settings) {
    ProcessBuilder builder =
        new ProcessBuilder(
                SIMULATOR.resolve("run-kernel").toString(),
                SIMULATOR.resolve("test-ptx/" + launch.module + ".ptx").toString(),
                launch.kernel,
                Integer.toString(launch.blocks),
                Integer.toString(launch.threads),
                Integer.toString(launch.sharedBytes))
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    for (int flag : launch.flags) {
      builder.command().add(Integer.toString(flag));
    }
    Map<String, String> environment = builder.environment();
    environment.keySet().removeIf(name -> name.startsWith("CULEBRA_SIM_"));
    environment.put("LD_LIBRARY_PATH", build.folder().toString());
    environment.put("CULEBRA_SIM_KERNELS", build.folder().resolve("test-kernels").toString());
    environment.putAll(settings);
    try {
      return run(builder);
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  static KernelRun of(Build build, Launch launch) {
    return of(build, launch, Map.of());
  }

  private static KernelRun run(ProcessBuilder builder) throws IOException, InterruptedException {
    Path output = Files.createTempFile("run-kernel", ".txt");
    try {
      Process process = builder.redirectOutput(output.toFile()).start();
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return new KernelRun(false, "still runs after %d s".formatted(SECONDS));
      }
      return new KernelRun(process.exitValue() == 0, Files.readString(output).strip());
    } finally {
      Files.deleteIfExists(output);
    }
  }

  /** The results of a kernel that succeeded; elements that it did not write are NaN. */
  double[] results() {
    if (!ended) {
      throw new AssertionError(said);
    }
    return Arrays.stream(said.split(" "))
        .mapToDouble(text -> text.endsWith("nan") ? Double.NaN : Double.parseDouble(text))
        .toArray();
  }
}
