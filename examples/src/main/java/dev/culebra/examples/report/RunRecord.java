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
 * What a report shows of a run.
 *
 * @param name of the run
 * @param training whether a process is training it now
 * @param config its configuration
 * @param parameters of the model; empty if not known yet
 * @param metrics of its logged steps, in order
 * @param samples texts that it wrote, in the order of their steps
 * @param data makes its losses comparable
 * @param parent the run that it was finetuned from, if any
 * @param machine where it was trained, as readable names and values; empty if not recorded
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
   * Reads a run directory, even while the run is training or after its process was killed.
   *
   * @param damaged receives one line for each damaged part that was skipped
   * @throws IOException with one line that names the file, if there is no run or it cannot be read
   */
  public static RunRecord read(Path directory, Consumer<String> damaged) throws IOException {
    try (RunFiles files = RunFiles.open(directory)) {
      RunDirectory run = files.directory();
      return read(files, run.isTraining(), files.config(), files.parameterCount(), damaged);
    }
  }

  /**
   * Reads the directory of a run that this process is training, without opening its weights.
   *
   * @throws IOException with one line that names the file, if it is damaged
   */
  static RunRecord of(TrainingRun run) throws IOException {
    OptionalLong parameters = OptionalLong.of(run.model().parameters().count());
    return read(run.files(), true, run.config(), parameters, line -> {}); // resuming reported them
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
      damaged.accept(e.getMessage() + ", so it is skipped");
      return Optional.empty();
    }
  }

  /** Runs of versions without a sample log have only the final sample. */
  private static List<Sample> samples(
      RunDirectory run, List<Metrics> metrics, Consumer<String> damaged) throws IOException {
    if (Files.exists(run.samples())) {
      return SampleLog.read(run.samples(), damaged);
    }
    return Files.exists(run.sample()) && !metrics.isEmpty()
        ? List.of(new Sample(metrics.getLast().step(), text(run.sample())))
        : List.of();
  }

  /** Tolerates an incomplete character at the end, which byte tokenizers may write. */
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

  /** The same run with another name. */
  public RunRecord called(String other) {
    return new RunRecord(
        other, training, config, parameters, metrics, samples, data, parent, machine);
  }

  /** The same run with other figures. */
  RunRecord with(List<Metrics> others) {
    return new RunRecord(
        name, training, config, parameters, others, samples, data, parent, machine);
  }

  /** The state of the run. */
  public Status status() {
    boolean complete = !samples.isEmpty() && samples.getLast().step() >= config.training().steps();
    return training ? Status.RUNNING : complete ? Status.FINISHED : Status.STOPPED;
  }

  /** The last logged step; 0 before the first. */
  public int step() {
    return metrics.isEmpty() ? 0 : metrics.getLast().step();
  }

  /** Whether only time ends it, so that its last step is unknown. */
  public boolean endsByTimeOnly() {
    return config.training().endsByTimeOnly();
  }

  /** The step with the lowest validation loss; empty before the first evaluation. */
  public Optional<Metrics> best() {
    return evaluated().min(Comparator.comparing(Metrics::validationLoss));
  }

  /** The last evaluated step. */
  public Optional<Metrics> lastEvaluated() {
    return evaluated().reduce((earlier, later) -> later);
  }

  /**
   * Training speed: the median over the logged steps, which ignores pauses and the start of a JVM,
   * when code is still being compiled. Empty before the first.
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

  /** The state of a run. */
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
