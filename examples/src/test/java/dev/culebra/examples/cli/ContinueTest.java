package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs that are resumed with changed options, and runs that end before their last step. */
class ContinueTest {
  private static final String[] FLAGS = {"--data=macbeth", "--log-every=1", "--eval-every=5"};

  @TempDir Path folder;
  private RunFolder run;

  @BeforeEach
  void name() {
    run = new RunFolder(folder.resolve("run"));
  }

  private Outcome resume(String... flags) {
    List<String> args = new ArrayList<>(List.of("train", "--resume", "--out=" + run.path()));
    args.addAll(List.of(flags));
    return Outcome.of(args.toArray(String[]::new));
  }

  private List<Float> rates() {
    return run.steps().stream().map(RunFolder.Step::lr).toList();
  }

  @Test
  void aFinishedRunSaysSoAndHowToTrainFurther() throws IOException {
    Outcome first = Outcome.of(run.train(FLAGS, "--steps=10"));
    byte[] checkpoint = Files.readAllBytes(run.last());
    Outcome again = resume();

    assertThat(again.exitCode()).isZero();
    assertThat(again.out()).isEqualTo(first.out());
    assertThat(again.err())
        .startsWith(
            "%s is finished, after 10 steps; to continue: culebra train --resume --out %s --steps 20\n"
                .formatted(run.path(), run.path()));
    assertThat(Files.readAllBytes(run.last())).isEqualTo(checkpoint);
  }

  @Test
  void withMoreStepsItContinuesAsIfConfiguredSoFromTheStart() throws IOException {
    Outcome.of(run.train(new String[] {FLAGS[0], FLAGS[1], "--schedule=constant"}, "--steps=10"));
    Outcome longer = resume("--steps=14");
    RunFolder whole = new RunFolder(folder.resolve("whole"));
    Outcome.of(whole.train(new String[] {FLAGS[0], FLAGS[1], "--schedule=constant"}, "--steps=14"));

    assertThat(longer.exitCode()).as(longer.err()).isZero();
    assertThat(longer.err()).contains("continues after step 10\n");
    assertThat(run.steps()).hasSize(14);
    assertThat(run.steps())
        .map(RunFolder.Step::loss)
        .isEqualTo(whole.steps().stream().map(RunFolder.Step::loss).toList());
    assertThat(run.config().get("steps").intValue()).isEqualTo(14);
  }

  @Test
  void theDecayOfTheRateIsStretchedOrRestarts() {
    Outcome.of(run.train(FLAGS, "--steps=10"));
    float floor = rates().getLast();
    resume("--steps=20");
    assertThat(rates().get(10)).isGreaterThan(floor);
    assertThat(rates().subList(10, 20)).isSortedAccordingTo((a, b) -> Float.compare(b, a));
    assertThat(rates().getLast()).isEqualTo(floor);

    Outcome again = resume("--steps=30", "--new-decay");
    assertThat(again.exitCode()).as(again.err()).isZero();
    List<Float> second = rates().subList(20, 30);
    assertThat(second.subList(0, 5)).isSorted(); // the warmup
    assertThat(second.get(4)).isEqualTo(1e-3f);
    assertThat(second.getLast()).isEqualTo(floor);
  }

  @Test
  void reportOptionsMayChange() throws IOException {
    Outcome.of(run.train(FLAGS, "--steps=6"));
    Outcome longer =
        resume(
            "--steps=12", "--log-every=3", "--eval-every=6", "--save-every=4", "--sample-every=9");

    assertThat(longer.exitCode()).as(longer.err()).isZero();
    assertThat(run.steps()).map(RunFolder.Step::step).containsExactly(1, 2, 3, 4, 5, 6, 9, 12);
    JsonNode config = run.config();
    assertThat(config.get("log_every").intValue()).isEqualTo(3);
    assertThat(config.get("save_every").intValue()).isEqualTo(4);
  }

  @Test
  void invalidChangesAreReported() {
    Outcome.of(run.train(FLAGS, "--steps=6"));

    resume("--steps=3").assertFails(2, "--steps 3 is less than 6, the steps taken so far.*");
    resume("--new-decay").assertFails(2, "a new decay needs --steps above 6, .*");
    resume("--log-every=0").assertFails(2, "--log-every must be at least 1, not 0.*");
    resume("--heads=1").assertFails(2, "--resume continues .*: --heads 1 cannot change.*");
  }

  @Test
  void afterANanLossItResumesFromTheBestWithALowerRate() throws IOException {
    Outcome.of(run.train(FLAGS, "--steps=10"));
    int best = bestStep();
    Outcome spoiled = resume("--steps=30", "--lr=1e30", "--clip=0");
    assertThat(spoiled.exitCode()).isEqualTo(1);
    assertThat(spoiled.err()).contains("is NaN at step ").contains(", with --resume --from best\n");

    Outcome saved = resume("--from=best", "--lr=1e-3", "--clip=1");
    assertThat(saved.exitCode()).as(saved.err()).isZero();
    assertThat(saved.err()).contains("continues after step " + best + "\n");
    assertThat(run.steps()).hasSize(30).allMatch(step -> Float.isFinite(step.loss()));
    assertThat(run.config().get("lr").floatValue()).isEqualTo(1e-3f);
    assertThat(run.config().get("min_lr").floatValue()).isEqualTo(1e-4f);
  }

  @Test
  void aFinishedRunIsNotResetToItsBest() throws IOException {
    Outcome first = Outcome.of(run.train(FLAGS, "--steps=10"));
    int best = bestStep();
    byte[] checkpoint = Files.readAllBytes(run.last());
    byte[] config = Files.readAllBytes(run.path().resolve("config.json"));

    Outcome again = resume("--from=best");
    assertThat(again.exitCode()).as(again.err()).isZero();
    assertThat(again.err()).contains(" is finished, after 10 steps; ");
    assertThat(again.out()).isEqualTo(first.out());
    assertThat(Files.readAllBytes(run.last())).isEqualTo(checkpoint);
    assertThat(Files.readAllBytes(run.path().resolve("config.json"))).isEqualTo(config);

    Outcome longer = resume("--from=best", "--steps=14");
    assertThat(longer.err()).contains("continues after step " + best + "\n");
    assertThat(run.lastStep()).isEqualTo(14);
  }

  /** How to recover a run whose last checkpoint is damaged. */
  @Test
  void resumesFromTheBestIfTheLastIsDamaged() throws IOException {
    Outcome.of(run.train(FLAGS, "--steps=10"));
    Files.writeString(run.last(), "damaged");

    Outcome resumed = resume("--from=best");

    assertThat(resumed.exitCode()).as(resumed.err()).isZero();
    assertThat(run.lastStep()).isEqualTo(10);
  }

  private int bestStep() {
    return run.steps().stream()
        .filter(step -> step.validationLoss() != null)
        .min((a, b) -> Float.compare(a.validationLoss(), b.validationLoss()))
        .orElseThrow()
        .step();
  }

  @Test
  void aRunEndsWhenItsTimeIsUp() throws IOException {
    Outcome timed = Outcome.of(run.train(FLAGS, "--minutes=0.02"));
    int steps = run.lastStep();

    assertThat(timed.exitCode()).as(timed.err()).isZero();
    assertThat(run.metrics().getLast().get("elapsed_s").doubleValue()).isBetween(1.2, 20.0);
    assertThat(run.config().get("steps").intValue()).isEqualTo(steps);
    assertThat(run.steps().getLast().validationLoss()).isNotNull();
    assertThat(rates().getLast()).isCloseTo(1e-4f, org.assertj.core.api.Assertions.within(1e-5f));
    assertThat(timed.err()).contains("step 1  loss ");
    assertThat(resume().err()).contains(" is finished, after ");

    resume("--minutes=0.001").assertFails(2, "--minutes 0.001 is not more than .*");
    double trained = run.metrics().getLast().get("elapsed_s").doubleValue();
    resume("--minutes=" + (trained + 1) / 60);
    assertThat(run.lastStep()).isGreaterThan(steps);

    int more = run.lastStep() + 5;
    resume("--steps=" + more);
    assertThat(run.lastStep()).isEqualTo(more);
  }

  @Test
  void aRunEndsWhenItsLossNoLongerFalls() throws IOException {
    String[] flags = {
      "--data=macbeth",
      "--eval-every=1",
      "--patience=3",
      "--lr=1e-30",
      "--min-lr=0",
      "--log-every=1"
    };
    Outcome stuck = Outcome.of(run.train(flags, "--steps=1000000"));

    assertThat(stuck.exitCode()).as(stuck.err()).isZero();
    assertThat(run.lastStep()).isEqualTo(4);
    assertThat(run.config().get("steps").intValue()).isEqualTo(4);
    assertThat(Files.readAllLines(run.path().resolve("samples.jsonl"))).hasSize(1);

    resume("--steps=100");
    assertThat(run.lastStep()).isEqualTo(7);
  }
}
