package dev.culebra.examples.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.examples.report.RunRecord;
import dev.culebra.io.FileErrors;
import dev.culebra.pretrained.PretrainedModel;
import dev.culebra.train.TrainConfig;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code culebra runs}. */
@Command(
    name = "runs",
    header = "List training runs with their losses, the newest first.",
    description = "A damaged run is reported in a separate line; the others are listed.",
    footer = {"", "Example: culebra runs", "         culebra runs experiments --json"})
final class RunsCommand implements Callable<Integer> {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT);
  private static final String NOTHING = "–";

  @Mixin private CommonOptions common;

  @Parameters(
      arity = "0..1",
      paramLabel = "DIR",
      defaultValue = "runs",
      description = "A folder of run directories, or one of them. Default: ${DEFAULT-VALUE}")
  private Path folder;

  @Option(names = "--json", description = "Print one JSON array with an object per run.")
  private boolean json;

  /**
   * A readable run.
   *
   * @param changed the time of the last change of its files
   */
  private record Listed(Path path, RunRecord run, Instant changed) {}

  @Override
  public Integer call() throws IOException {
    List<Listed> runs = new ArrayList<>();
    for (Path directory : directories()) {
      read(directory).ifPresent(runs::add);
    }
    runs.sort(
        Comparator.comparing(Listed::changed)
            .reversed()
            .thenComparing(listed -> listed.path().toString()));
    if (json) {
      System.out.println(json(runs).toPrettyString());
    } else if (runs.isEmpty()) {
      System.err.printf("no runs in %s; a first one: culebra train%n", folder);
    } else {
      System.out.print(table(runs));
    }
    return 0;
  }

  private List<Path> directories() throws IOException {
    if (!Files.exists(folder) && folder.equals(TrainCommand.RUNS)) {
      return List.of();
    }
    if (isRun(folder)) {
      return List.of(folder);
    }
    List<Path> directories = new ArrayList<>();
    try (DirectoryStream<Path> below = Files.newDirectoryStream(folder, RunsCommand::isRun)) {
      below.forEach(directories::add);
    } catch (IOException e) {
      throw new IOException("cannot list %s: %s".formatted(folder, FileErrors.reason(e)), e);
    }
    return directories;
  }

  /** Whether a run exists or was being created there; a Hugging Face folder is not a run. */
  private static boolean isRun(Path directory) {
    boolean begun =
        Files.exists(directory.resolve("config.json"))
            || Files.isDirectory(directory.resolve("checkpoint"));
    return begun && !PretrainedModel.isModel(directory);
  }

  /** Empty, after a message, if it is damaged. */
  private static Optional<Listed> read(Path directory) {
    try {
      return Optional.of(
          new Listed(
              directory, RunRecord.read(directory, System.err::println), changed(directory)));
    } catch (IOException | RuntimeException e) {
      System.err.println(Errors.line(e));
      return Optional.empty();
    }
  }

  private static Instant changed(Path directory) throws IOException {
    RunDirectory run = RunDirectory.open(directory);
    Instant changed = Instant.EPOCH;
    for (Path file : List.of(run.config(), run.metrics(), run.last())) {
      if (Files.exists(file)) {
        Instant time = Files.getLastModifiedTime(file).toInstant();
        changed = time.isAfter(changed) ? time : changed;
      }
    }
    return changed.truncatedTo(ChronoUnit.SECONDS);
  }

  private static ArrayNode json(List<Listed> runs) {
    ArrayNode array = JsonMapper.builder().build().createArrayNode();
    for (Listed listed : runs) {
      RunRecord run = listed.run();
      TrainConfig config = run.config();
      OptionalLong parameters = run.parameters();
      ObjectNode object =
          array
              .addObject()
              .put("run", listed.path().toString())
              .put("data", config.data().data())
              .put("preset", config.preset().label())
              .put("parameters", parameters.isPresent() ? parameters.getAsLong() : null)
              .put("step", run.step())
              .put("steps", run.endsByTimeOnly() ? null : config.training().steps())
              .put("best_val_loss", run.best().map(Metrics::validationLoss).orElse(null))
              .put("val_loss", run.lastEvaluated().map(Metrics::validationLoss).orElse(null));
      object.put("state", run.status().toString()).put("changed", listed.changed().toString());
    }
    return array;
  }

  private static String table(List<Listed> runs) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("run", "data", "model", "steps", "best val loss", "last", "state", "changed"));
    runs.forEach(listed -> rows.add(row(listed)));
    int[] widths = new int[rows.getFirst().size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], width(row.get(i)));
      }
    }
    StringBuilder table = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        line.append(row.get(i)).append(" ".repeat(widths[i] - width(row.get(i)) + 2));
      }
      table.append(line.toString().stripTrailing()).append('\n');
    }
    return table.toString();
  }

  private static int width(String text) {
    return text.codePointCount(0, text.length());
  }

  private static List<String> row(Listed listed) {
    RunRecord run = listed.run();
    return List.of(
        visible(listed.path().toString()),
        visible(dataName(run.config().data().data())),
        model(run),
        run.endsByTimeOnly()
            ? Integer.toString(run.step())
            : "%d/%d".formatted(run.step(), run.config().training().steps()),
        loss(run.best()),
        loss(run.lastEvaluated()),
        run.status().toString(),
        TIME.format(listed.changed().atZone(ZoneId.systemDefault())));
  }

  /** For a path, only the file name. */
  private static String dataName(String data) {
    Path name = Path.of(data).getFileName();
    return name == null ? data : name.toString();
  }

  private static String model(RunRecord run) {
    String preset = run.config().preset().label();
    return run.parameters().isPresent()
        ? "%s, %s".formatted(preset, count(run.parameters().getAsLong()))
        : preset;
  }

  /** {@code 2.7 k}, {@code 806 k}, {@code 10.7 M}, {@code 124 M}. */
  private static String count(long parameters) {
    double count = parameters;
    String unit = "";
    for (String larger : List.of(" k", " M", " G")) {
      if (count >= 1000) {
        count /= 1000;
        unit = larger;
      }
    }
    return (unit.isEmpty() || count >= 100 ? "%.0f" : "%.1f").formatted(count) + unit;
  }

  private static String loss(Optional<Metrics> evaluated) {
    return evaluated.map(line -> "%.4f".formatted(line.validationLoss())).orElse(NOTHING);
  }

  /** Replaces control characters with question marks. */
  private static String visible(String text) {
    return text.replaceAll("\\p{Cntrl}", "?");
  }
}
