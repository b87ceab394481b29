package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainCommandTest {
  @TempDir Path folder;

  @Test
  void twoHundredStepsOnMacbethLearnToWriteLetters() throws Exception {
    Outcome outcome = Program.run(folder, "train", "--data", "macbeth", "--steps", "200");
    RunFolder run = new RunFolder(folder.resolve("runs/macbeth-1"));
    List<JsonNode> metrics = run.metrics();

    assertThat(outcome.exitCode()).isZero();
    assertThat(metrics.getLast().get("val_loss").doubleValue()).isLessThan(2.6);
    assertThat(outcome.out().strip())
        .isEqualTo(Files.readString(run.path().resolve("sample.txt")).strip())
        .hasSizeGreaterThan(300);
    assertThat(run.files())
        .containsExactlyInAnyOrder(
            "config.json",
            "tokenizer.json",
            "data.json",
            "machine.json",
            "metrics.jsonl",
            "samples.jsonl",
            "sample.txt",
            "report.html",
            "checkpoint/best.safetensors",
            "checkpoint/last.safetensors",
            "lock");
    assertMetrics(metrics);
    assertPlainLines(outcome.err());
    assertThat(outcome.err())
        .containsPattern(
            "\ndone: best validation loss \\d\\.\\d{4}, \\d+ s of training,"
                + " [\\d,]+ tokens/s \\(median of the logged steps\\)\n");
    for (String file : run.files()) {
      if (!file.equals("lock")) {
        assertThat(outcome.err()).contains("\n  runs/macbeth-1/" + file + "\n");
      }
    }
  }

  private static void assertMetrics(List<JsonNode> metrics) {
    assertThat(metrics).hasSize(20);
    double elapsed = 0;
    for (int i = 0; i < metrics.size(); i++) {
      JsonNode line = metrics.get(i);
      List<String> names = new ArrayList<>(List.of("step", "loss"));
      if (i == metrics.size() - 1) {
        names.add("val_loss");
      }
      names.addAll(List.of("lr", "grad_norm", "tokens_per_second", "elapsed_s"));
      assertThat(line.fieldNames()).toIterable().containsExactlyElementsOf(names);
      assertThat(line.get("step").intValue()).isEqualTo(10 * (i + 1));
      assertThat(line.get("tokens_per_second").doubleValue()).isPositive();
      assertThat(line.get("elapsed_s").doubleValue()).isGreaterThan(elapsed);
      elapsed = line.get("elapsed_s").doubleValue();
    }
  }

  /** No bar and no colours: suitable for a log file. */
  private static void assertPlainLines(String err) {
    assertThat(err).doesNotContainPattern("[\\p{Cntrl}&&[^\n]]");
    assertThat(err.lines().filter(line -> line.startsWith("step ")))
        .hasSize(20)
        .allMatch(
            line ->
                line.matches(
                    "step [ \\d]\\d\\d/200  loss \\d\\.\\d{4}(  val loss \\d\\.\\d{4})?"
                        + "  [\\d,]+ tokens/s"));
  }

  @Test
  void runsWithoutANameAreNumbered() throws Exception {
    Path text = Files.writeString(folder.resolve("my book.txt"), "abc ".repeat(99));
    Files.createDirectories(folder.resolve("runs/my book-1"));
    List<String> args = new ArrayList<>(List.of("train", "--data=" + text, "--steps=1"));
    args.addAll(RunFolder.TINY);
    Outcome outcome = Program.run(folder, args.toArray(String[]::new));

    assertThat(outcome.err()).contains("  runs/my book-2/config.json\n");
    assertThat(folder.resolve("runs/my book-1")).isEmptyDirectory();
    assertThat(new RunFolder(folder.resolve("runs/my book-2")).lastStep()).isEqualTo(1);
  }

  @Test
  void flagsOverrideAFileWhichOverridesThePreset() throws Exception {
    Path file = Files.writeString(folder.resolve("c.json"), "{\"steps\": 3, \"beta2\": 0.5}");
    RunFolder run = new RunFolder(folder.resolve("run"));
    Outcome outcome = Outcome.of(run.train("--data=macbeth", "--steps=2", "--config=" + file));
    JsonNode config = run.config();

    assertThat(outcome.exitCode()).isZero();
    assertThat(config.get("steps").intValue()).isEqualTo(2);
    assertThat(config.get("beta2").floatValue()).isEqualTo(0.5f);
    assertThat(config.get("weight_decay").floatValue()).isEqualTo(0.1f);
  }

  @Test
  void theConfigurationOfARunMakesTheSameRunAgain() throws Exception {
    RunFolder one = new RunFolder(folder.resolve("one"));
    RunFolder two = new RunFolder(folder.resolve("two"));
    Outcome.of(one.train("--data=macbeth", "--steps=4", "--log-every=1", "--seed=7"));
    Path config = one.path().resolve("config.json");
    Outcome.of("train", "--config", config.toString(), "--out", two.path().toString());

    assertThat(two.config()).isEqualTo(one.config());
    assertThat(two.steps()).hasSize(4).isEqualTo(one.steps());
  }

  @Test
  void aWarmupBeyondTheLastStepIsMentioned() {
    Outcome outcome =
        Outcome.of(new RunFolder(folder.resolve("run")).train("--data=macbeth", "--steps=4"));

    assertThat(outcome.err())
        .contains("--warmup 5 is longer than the run: the learning rate never reaches --lr\n");
  }

  @Test
  void samplesDuringTrainingGoToStandardOutput() {
    Outcome outcome =
        Outcome.of(
            new RunFolder(folder.resolve("run"))
                .train("--data=macbeth", "--steps=4", "--sample-every=2"));

    assertThat(outcome.out())
        .contains("\n--- after step 2 ---\n")
        .doesNotContain("--- after step 4 ---"); // the final sample has no title
  }
}
