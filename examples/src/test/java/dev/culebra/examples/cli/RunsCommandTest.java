package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunsCommandTest {
  @TempDir Path folder;

  @Test
  void listsRunsNewestFirst() throws Exception {
    RunFolder old = OldRun.copyTo(folder.resolve("old"));
    changedAt(old, "2026-11-27T10:00:00Z");
    RunFolder stopped = run("stopped");
    Outcome.of(stopped.train("--data=macbeth", "--steps=4", "--eval-every=2"));
    stopped.setSteps(9);
    changedAt(stopped, "2026-11-28T10:00:00Z");
    Files.createDirectories(folder.resolve("no-run"));
    ModelFolder.copyTo(folder.resolve("no-run-either"), "gpt2-f32", "gpt2");
    Outcome runs = Outcome.of("runs", folder.toString());

    assertThat(runs.exitCode()).isZero();
    assertThat(runs.err()).isEmpty();
    List<String[]> rows = runs.out().lines().map(line -> line.split("  +")).toList();
    assertThat(rows.get(0))
        .containsExactly(
            "run", "data", "model", "steps", "best val loss", "last", "state", "changed");
    assertThat(rows.get(1))
        .startsWith(stopped.path().toString(), "macbeth", "nano, 7.5 k", "4/9")
        .contains("stopped");
    assertThat(rows.get(2))
        .startsWith(old.path().toString(), "macbeth", "nano, 1.4 k", "20/20")
        .contains("finished");
    assertThat(rows).hasSize(3);
    assertThat(runs.out()).doesNotContain("no-run");
  }

  @Test
  void jsonHasTheLossesOfTheRun() throws Exception {
    RunFolder run = OldRun.copyTo(folder.resolve("old"));
    List<Float> losses =
        run.steps().stream()
            .map(RunFolder.Step::validationLoss)
            .filter(loss -> loss != null)
            .toList();
    JsonNode json = json("runs", folder.toString(), "--json").get(0);

    assertThat(json.get("run").asText()).isEqualTo(run.path().toString());
    assertThat(json.get("best_val_loss").floatValue())
        .isEqualTo(losses.stream().min(Float::compare).orElseThrow());
    assertThat(json.get("val_loss").floatValue()).isEqualTo(losses.getLast());
    assertThat(json.get("step").intValue()).isEqualTo(20);
    assertThat(json.get("steps").intValue()).isEqualTo(20);
    assertThat(json.get("state").asText()).isEqualTo("finished");
    assertThat(json("runs", run.path().toString(), "--json")).hasSize(1);
  }

  @Test
  void aRunInTrainingIsRunning() throws Exception {
    RunFolder run = run("run");
    String[] flags = {"--data=macbeth", "--minutes=60", "--log-every=1"};
    try (Program program = Program.start(folder, run.train(flags))) {
      program.await(() -> run.lastStep() > 1);
      JsonNode json = json("runs", folder.toString(), "--json").get(0);

      assertThat(json.get("state").asText()).isEqualTo("running");
      assertThat(json.get("steps").isNull()).isTrue();
      assertThat(json.get("parameters").isNull()).isTrue();
      assertThat(Outcome.of("runs", folder.toString()).out()).doesNotContain("1000000000");
    }
  }

  @Test
  void damagedRunsAreNamedAndTheOthersAreListed() throws Exception {
    RunFolder good = OldRun.copyTo(folder.resolve("good"));
    RunFolder noJson = OldRun.copyTo(folder.resolve("a"));
    Files.writeString(noJson.path().resolve("config.json"), "{\"layers\": ");
    RunFolder badLine = OldRun.copyTo(folder.resolve("b"));
    Path metrics = badLine.path().resolve("metrics.jsonl");
    Files.writeString(metrics, "broken\n" + Files.readString(metrics));
    RunFolder noConfig = OldRun.copyTo(folder.resolve("c"));
    Files.delete(noConfig.path().resolve("config.json"));
    RunFolder cut = OldRun.copyTo(folder.resolve("d"));
    Files.writeString(cut.path().resolve("checkpoint/best.safetensors"), "short");
    Outcome runs = Outcome.of("runs", folder.toString());

    assertThat(runs.exitCode()).isZero();
    assertThat(runs.out().lines()).hasSize(3);
    assertThat(runs.out()).contains(good.path().toString(), badLine.path().toString());
    assertThat(runs.err().lines())
        .hasSize(4)
        .anyMatch(line -> line.matches("culebra: .*a/config.json.*"))
        .anyMatch(line -> line.matches(".*b/metrics.jsonl.*1.*"))
        .anyMatch(line -> line.matches("culebra: .*c is not a run directory.*"))
        .anyMatch(line -> line.matches("culebra: .*d/checkpoint/best.safetensors.*"));
  }

  @Test
  void withoutRunsItSaysSo() throws Exception {
    assertThat(Program.run(folder, "runs"))
        .isEqualTo(new Outcome(0, "", "no runs in runs; a first one: culebra train\n"));
    assertThat(Outcome.of("runs", folder.toString()).err()).startsWith("no runs in " + folder);
    assertThat(json("runs", folder.toString(), "--json")).isEmpty();
    Outcome.of("runs", folder.resolve("gone").toString())
        .assertFails(1, "cannot list .*gone: no such file.*");
  }

  private RunFolder run(String name) {
    return new RunFolder(folder.resolve(name));
  }

  private static void changedAt(RunFolder run, String time) throws IOException {
    try (Stream<Path> files = Files.walk(run.path())) {
      for (Path file : files.toList()) {
        Files.setLastModifiedTime(file, FileTime.from(Instant.parse(time)));
      }
    }
  }

  private static JsonNode json(String... args) throws IOException {
    return JsonMapper.builder().build().readTree(Outcome.of(args).out());
  }
}
