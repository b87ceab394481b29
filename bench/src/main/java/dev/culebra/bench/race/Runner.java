package dev.culebra.bench.race;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The parent's side of a {@link Lane}: controls its process, which waits between turns. */
final class Runner implements AutoCloseable {
  private final Engine engine;
  private final Process process;
  private final BufferedReader answers;
  private final Writer commands;
  private final List<Lap> laps = new ArrayList<>();

  Runner(Engine engine, Course course, int threads) throws IOException {
    this.engine = engine;
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(List.of("-XX:+UseSerialGC", "-Dai.djl.offline=true"));
    command.add("-Dai.djl.pytorch.num_threads=" + threads);
    command.add("-Dai.djl.pytorch.num_interop_threads=1");
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Lane.class.getName()));
    command.addAll(List.of(engine.name(), course.name(), Integer.toString(threads)));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().putAll(engine.environment());
    builder.environment().put("OMP_NUM_THREADS", Integer.toString(threads));
    process = builder.start();
    answers = process.inputReader();
    commands = process.outputWriter();
  }

  Engine engine() {
    return engine;
  }

  /** Runs untimed steps. */
  void warmUp(int steps) throws IOException {
    run(steps);
  }

  /** Runs a timed turn. */
  void lap(int steps) throws IOException {
    laps.add(run(steps));
  }

  private Lap run(int steps) throws IOException {
    commands.write(steps + "\n");
    commands.flush();
    String answer = answers.readLine();
    if (answer == null) {
      throw new IOException("the process of " + engine.label() + " ended before its turn was over");
    }
    return Lap.parse(answer);
  }

  /** The results so far. */
  Outcome outcome() {
    return Outcome.of(engine, laps);
  }

  /** Ends the process. */
  @Override
  public void close() throws IOException {
    commands.close();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      process.destroy();
      Thread.currentThread().interrupt();
    }
  }
}
