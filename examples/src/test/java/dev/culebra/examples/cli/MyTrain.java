package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.MetricsLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Training as a user does it. */
class TrainCommandTest {
  /** A model that takes a few milliseconds a step, with everything random turned on. */
  private static final String SMALL =
      "train --data macbeth --layers 1 --heads 2 --embd 16 --context 16 --batch 4 --grad-accum 2"
          + " --dropout 0.1 --steps 40 --warmup 5 --log-every 1 --eval-every 8 --eval-batches 2"
          + " --save-every 8";

  @TempDir private Path directory;

  private static String[] words(String line, String... more) {
    List<String> words = new ArrayList<>(Arrays.asList(line.split(" ")));
    words.addAll(List.of(more));
    return words.toArray(String[]::new);
  }

  private List<Metrics> metrics(String run) throws IOException {
    return MetricsLog.read(directory.resolve(run).resolve("metrics.jsonl"));
  }

  /** Without what depends on the clock. */
  private static List<String> results(List<Metrics> metrics) {
    return metrics.stream()
        .map(
            m ->
                "%d %s %s %s %s"
                    .formatted(
                        m.step(), m.loss(), m.validationLoss(), m.learningRate(), m.gradientNorm()))
        .toList();
  }

  @Test
  void twoHundredStepsOnMacbethLearnToSpell() throws Exception {
    try (ChildProcess child =
        ChildProcess.start(
            directory,
            words(
                "train --data macbeth --steps 200 --warmup 20 --lr 3e-3 --eval-every 100 --out run"))) {
      Outcome outcome = child.await();

      assertThat(outcome.exitCode()).as(outcome.err()).isZero();
      assertThat(outcome.out().length()).isGreaterThan(200);
      assertThat(outcome.err()).doesNotContain("\033").contains("step 200/200  loss ", "wrote\n");
      assertThat(metrics("run").getLast().validationLoss()).isLessThan(2.6f);
      try (Stream<Path> files = Files.walk(directory.resolve("run"))) {
        assertThat(files.filter(Files::isRegularFile).map(f -> f.getFileName().toString()))
            .containsExactlyInAnyOrder(
                "config.json",
                "tokenizer.json",
                "metrics.jsonl",
                "last.safetensors",
                "best.safetensors",
                "sample.txt",
                "lock");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 13, 30})
  void afterKill9TheRunGoesOnAsIfNothingHadHappened(int killedAtStep) throws Exception {
    try (ChildProcess whole = ChildProcess.start(directory, words(SMALL, "--out", "whole"))) {
      assertThat(whole.await().exitCode()).isZero();
    }
    try (ChildProcess killed = ChildProcess.start(directory, words(SMALL, "--out", "killed"))) {
      killed.awaitLines(directory.resolve("killed/metrics.jsonl"), killedAtStep);
      killed.kill();
    }
    try (ChildProcess resumed =
        ChildProcess.start(directory, words("train --resume --out killed"))) {
      assertThat(resumed.await().exitCode()).isZero();
    }
    assertThat(results(metrics("killed"))).isEqualTo(results(metrics("whole")));
    assertThat(directory.resolve("killed/sample.txt"))
        .hasSameTextualContentAs(directory.resolve("whole/sample.txt"));
  }

  @Test
  void aPoliteKillSavesACheckpointAndSaysSo() throws Exception {
    String[] endless = words(SMALL.replace("--steps 40", "--steps 100000"), "--out", "run");
    try (ChildProcess child = ChildProcess.start(directory, endless)) {
      child.awaitLines(directory.resolve("run/metrics.jsonl"), 11);
      child.terminate();
      Outcome outcome = child.await();

      int last = metrics("run").getLast().step();
      assertThat(outcome.exitCode()).isIn(130, 143);
      assertThat(outcome.err())
          .contains("stopped after step " + last + "; checkpoint saved")
          .contains("culebra train --resume --out run");
    }
  }

  @Test
  void resultsDoNotDependOnTheNumberOfThreads() throws Exception {
    List<List<String>> all = new ArrayList<>();
    for (String threads : List.of("1", "2", "3")) {
      try (ChildProcess child =
          ChildProcess.start(
              directory, words(SMALL, "--threads", threads, "--out", "t" + threads))) {
        assertThat(child.await().exitCode()).isZero();
      }
      all.add(results(metrics("t" + threads)));
    }
    assertThat(all.get(1)).isEqualTo(all.get(0));
    assertThat(all.get(2)).isEqualTo(all.get(0));
  }

  @Test
  void finetuningBeginsWithTheOtherRunsWeightsAndTokenizer() throws Exception {
    Path part =
        Files.writeString(
            directory.resolve("part.txt"), "Macbeth shall sleepe no more. ".repeat(80));
    assertThat(train(SMALL.replace("--steps 40", "--steps 150"), "--out", path("first"))).isZero();
    assertThat(
            train(
                "train --steps 2 --warmup 0 --log-every 1 --eval-every 0",
                "--data",
                part.toString(),
                "--init-from",
                path("first"),
                "--out",
                path("second")))
        .isZero();
    assertThat(metrics("second").getFirst().loss()).isLessThan(3.6f); // ln 65 = 4.17
    assertThat(directory.resolve("second/tokenizer.json"))
        .hasSameTextualContentAs(directory.resolve("first/tokenizer.json"));

    Files.writeString(part, "Æthelred £5 ".repeat(100));
    Outcome unknown =
        Outcome.of(
            words(
                "train --steps 2",
                "--data",
                part.toString(),
                "--init-from",
                path("first"),
                "--out",
                path("third")));
    assertThat(unknown.exitCode()).isEqualTo(1);
    assertThat(unknown.err().lines()).hasSize(1);
    assertThat(unknown.err()).contains("Æ");
    assertThat(directory.resolve("third")).doesNotExist();
  }

  private int train(String line, String... more) {
    return Outcome.of(words(line, more)).exitCode();
  }

  private String path(String name) {
    return directory.resolve(name).toString();
  }

  @Test
  void aLossThatIsNoNumberStopsTheRunAndKeepsTheLastGoodCheckpoint() throws Exception {
    Outcome outcome =
        Outcome.of(
            words(
                SMALL.replace("--warmup 5", "--warmup 0"),
                "--lr",
                "1e30",
                "--clip",
                "0",
                "--out",
                path("run")));

    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.err().lines().toList().getLast())
        .matches("culebra: (the loss|the gradient's norm|a parameter) is .* at step \\d+: .*");
    assertThat(directory.resolve("run/checkpoint/last.safetensors")).doesNotExist();
  }

  @Test
  void twoProcessesDoNotTrainInOneDirectory() throws Exception {
    String[] endless = words(SMALL.replace("--steps 40", "--steps 100000"), "--out", "run");
    try (ChildProcess first = ChildProcess.start(directory, endless)) {
      first.awaitLines(directory.resolve("run/metrics.jsonl"), 1);
      Outcome second = Outcome.of("train", "--resume", "--out", path("run"));

      assertThat(second.exitCode()).isEqualTo(1);
      assertThat(second.err())
          .isEqualTo("culebra: another process is training in %s\n".formatted(path("run")));
    }
  }
}
