package dev.culebra.examples.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** A run directory as seen by tests: from outside, through its documented files. */
record RunFolder(Path path) {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** A model so small that hundreds of steps take a second. */
  static final List<String> TINY =
      List.of(
          "--layers=2",
          "--heads=2",
          "--embd=16",
          "--context=16",
          "--batch=4",
          "--warmup=5",
          "--eval-batches=2");

  /** The figures that are equal in two equal runs: all except times. */
  record Step(int step, float loss, Float validationLoss, float lr, float gradientNorm) {}

  /** The arguments of a tiny training run in this folder. */
  String[] train(String... flags) {
    List<String> args = new ArrayList<>(List.of("train", "--out", path.toString()));
    args.addAll(TINY);
    args.addAll(List.of(flags));
    return args.toArray(String[]::new);
  }

  /** The same with an additional flag. */
  String[] train(String[] flags, String other) {
    return train(Stream.concat(Stream.of(flags), Stream.of(other)).toArray(String[]::new));
  }

  /** The complete lines of {@code metrics.jsonl}; none if the file does not exist yet. */
  List<JsonNode> metrics() {
    try {
      Path file = path.resolve("metrics.jsonl");
      String text = Files.exists(file) ? Files.readString(file) : "";
      List<JsonNode> lines = new ArrayList<>();
      for (String line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
        lines.add(JSON.readTree(line));
      }
      return lines;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The results of the run. */
  List<Step> steps() {
    return metrics().stream().map(RunFolder::step).toList();
  }

  private static Step step(JsonNode line) {
    JsonNode validation = line.get("val_loss");
    return new Step(
        line.get("step").intValue(),
        line.get("loss").floatValue(),
        validation == null ? null : validation.floatValue(),
        line.get("lr").floatValue(),
        line.get("grad_norm").floatValue());
  }

  /** The last logged step, 0 before the first. */
  int lastStep() {
    List<JsonNode> lines = metrics();
    return lines.isEmpty() ? 0 : lines.getLast().get("step").intValue();
  }

  /** {@code config.json}. */
  JsonNode config() throws IOException {
    return JSON.readTree(Files.readString(path.resolve("config.json")));
  }

  /** Rewrites the number of steps in {@code config.json}. */
  void setSteps(int steps) throws IOException {
    ObjectNode config = (ObjectNode) config();
    Files.writeString(path.resolve("config.json"), config.put("steps", steps).toString());
  }

  /** The checkpoint to resume from. */
  Path last() {
    return path.resolve("checkpoint/last.safetensors");
  }

  /** Names of all files, relative. */
  List<String> files() throws IOException {
    try (Stream<Path> all = Files.walk(path)) {
      return all.filter(Files::isRegularFile)
          .map(file -> path.relativize(file).toString())
          .sorted()
          .toList();
    }
  }
}
