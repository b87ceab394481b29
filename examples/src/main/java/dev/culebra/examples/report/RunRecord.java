package dev.culebra.examples.report;

import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.MetricsLog;
import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.checkpoint.Sample;
import dev.culebra.checkpoint.SampleLog;
import dev.culebra.io.FileErrors;
import dev.culebra.train.Parent;
import dev.culebra.train.RunFiles;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainingRun;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * What a report tells of a run.
 *
 * @param name of the run
 * @param training whether a process trains it at this moment
 * @param config what it was told
 * @param parameters of the model; empty where nothing tells them yet
 * @param metrics of its logged steps, in their order
 * @param samples what it wrote, in the order of their steps
 * @param data what makes its losses comparable
 * @param parent the run that it began with, if it began with one
 * @param machine where it was trained: names and values for people; empty where nobody noted it
 */
public record RunRecord(
    String name,
    boolean training,
    TrainConfig config,
    OptionalLong parameters,
    List<Metrics> metrics,
    List<Sample> samples,
    RunData data,
    Optional<Parent> parent,
    Map<String, String> machine) {

  /** Copies the collections. */
  public RunRecord {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(config, "config");
    Objects.requireNonNull(parameters, "parameters");
    Objects.requireNonNull(data, "data");
    metrics = List.copyOf(metrics);
    samples = List.copyOf(samples);
    machine = Collections.unmodifiableMap(new LinkedHashMap<>(machine));
  }

  /**
   * Reads a run's directory, also one that is being trained in, or whose process was killed.
   *
   * @param damaged hears of what was left out because it is damaged, a line each
   * @throws IOException if there is no run or it cannot be read; one line that names the file
   */
  public static RunRecord read(Path directory, Consumer<String> damaged) throws IOException {
    try (RunFiles files = RunFiles.open(directory)) {
      RunDirectory run = files.directory();
      return read(files, run.isTraining(), files.config(), files.parameterCount(), damaged);
    }
  }

  /**
   * What the directory of a run that is trained here tells so far, without a look at its weights.
   *
   * @throws IOException if it is damaged; one line that names the file
   */
  static RunRecord of(TrainingRun run) throws IOException {
    OptionalLong parameters = OptionalLong.of(run.model().parameters().count());
    return read(run.files(), true, run.config(), parameters, line -> {}); // resuming told
  }

  private static RunRecord read(
      RunFiles files,
      boolean training,
      TrainConfig config,
      OptionalLong parameters,
      Consumer<String> damaged)
      throws IOException {
    RunDirectory run = files.directory();
    List<Metrics> metrics =
        Files.exists(run.metrics()) ? MetricsLog.read(run.metrics(), damaged) : List.of();
    return new RunRecord(
        name(run.path()),
        training,
        config,
        parameters,
        metrics,
        samples(run, metrics, damaged),
        RunData.read(run.data(), damaged),
        parent(files, damaged),
        MachineFile.read(run.machine(), damaged));
  }

  private static Optional<Parent> parent(RunFiles files, Consumer<String> damaged)
      throws IOException {
    try {
      return files.parent();
    } catch (CheckpointException e) {
      damaged.accept(e.getMessage() + ", and is left out");
      return Optional.empty();
    }
  }

  /** Runs of versions that kept no samples have one at the end. */
  private static List<Sample> samples(
      RunDirectory run, List<Metrics> metrics, Consumer<String> damaged) throws IOException {
    if (Files.exists(run.samples())) {
      return SampleLog.read(run.samples(), damaged);
    }
    return Files.exists(run.sample()) && !metrics.isEmpty()
        ? List.of(new Sample(metrics.getLast().step(), text(run.sample())))
        : List.of();
  }

  /** Half a character at its end, as byte tokenizers may write, is no reason to read nothing. */
  private static String text(Path file) throws IOException {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  private static String name(Path directory) {
    Path name = directory.toAbsolutePath().normalize().getFileName();
    return name == null ? directory.toString() : name.toString();
  }

  /** The same run under another name. */
  public RunRecord called(String other) {
    return new RunRecord(
        other, training, config, parameters, metrics, samples, data, parent, machine);
  }

  /** The same run with other figures. */
  RunRecord with(List<Metrics> others) {
    return new RunRecord(
        name, training, config, parameters, others, samples, data, parent, machine);
  }

  /** How it stands. */
  public Status status() {
    boolean complete = !samples.isEmpty() && samples.getLast().step() >= config.training().steps();
    return training ? Status.RUNNING : complete ? Status.FINISHED : Status.STOPPED;
  }

  /** The last logged step; 0 before the first. */
  public int step() {
    return metrics.isEmpty() ? 0 : metrics.getLast().step();
  }

  /** Whether only time ends it, so that nobody knows after which step. */
  public boolean endsByTimeOnly() {
    return config.training().endsByTimeOnly();
  }

  /** The step with the lowest validation loss; empty before the first evaluation. */
  public Optional<Metrics> best() {
    return evaluated().min(Comparator.comparing(Metrics::validationLoss));
  }

  /** The last step that was evaluated. */
  public Optional<Metrics> lastEvaluated() {
    return evaluated().reduce((earlier, later) -> later);
  }

  /**
   * Speed of training: the median of the logged steps, so that neither the start of a JVM, whose
   * code is still being compiled, nor a pause counts. Empty before the first.
   */
  public OptionalDouble tokensPerSecond() {
    double[] speeds =
        metrics.stream()
            .mapToDouble(Metrics::tokensPerSecond)
            .filter(Double::isFinite)
            .sorted()
            .toArray();
    int half = speeds.length / 2;
    return speeds.length == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of(
            speeds.length % 2 == 1 ? speeds[half] : (speeds[half - 1] + speeds[half]) / 2);
  }

  private Stream<Metrics> evaluated() {
    return metrics.stream()
        .filter(line -> line.validationLoss() != null && Float.isFinite(line.validationLoss()));
  }

  /** How a run stands. */
  public enum Status {
    RUNNING,
    STOPPED,
    FINISHED;

    /** In lower case. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
