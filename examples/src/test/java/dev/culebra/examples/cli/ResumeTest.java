package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A run that is killed and resumed computes the same as an uninterrupted one, to the bit.
 *
 * <p>The killed runs have far more steps than they can finish, so that they are always killed in
 * the middle. In the end their configuration is changed to a reachable number of steps.
 */
class ResumeTest {
  private static final String ENDLESS = "--steps=1000000000";
  private static final Pattern CONTINUES = Pattern.compile("continues after step (\\d+)\n");

  @TempDir Path folder;

  @Test
  void aKilledRunResumesExactly() throws Exception {
    String[] flags = {
      "--data=macbeth",
      "--schedule=constant",
      "--sample-every=5",
      "--log-every=1",
      "--eval-every=15",
      "--save-every=10"
    };
    RunFolder victim = run("victim");
    Outcome killed = trainAndKill(victim, 33, flags);

    assertThat(killed.exitCode()).isEqualTo(128 + 9);
    assertContinuesLikeAnUninterruptedRun(victim, flags);
  }

  @Test
  void killedTwiceWithDropoutAndAccumulatedGradients() throws Exception {
    String[] flags = {
      "--data=macbeth",
      "--schedule=constant",
      "--sample-every=0",
      "--log-every=1",
      "--eval-every=9",
      "--save-every=7",
      "--dropout=0.2",
      "--grad-accum=2"
    };
    RunFolder victim = run("victim");
    trainAndKill(victim, 12, flags);
    Outcome second = resumeAndKill(victim, 15);

    assertThat(continuedAt(second)).isPositive().isLessThan(victim.lastStep());
    assertContinuesLikeAnUninterruptedRun(victim, flags);
  }

  @Test
  void aModelWithNewerFeaturesAlsoResumes() throws Exception {
    String[] flags = {
      "--data=macbeth",
      "--schedule=constant",
      "--sample-every=0",
      "--log-every=1",
      "--eval-every=9",
      "--save-every=7",
      "--llama",
      "--qk-norm",
      "--kv-heads=1",
      "--softcap=15",
      "--optimizer=muon"
    };
    RunFolder victim = run("victim");
    trainAndKill(victim, 12, flags);

    assertContinuesLikeAnUninterruptedRun(victim, flags);
  }

  @Test
  void killedBeforeItsFirstCheckpointItStartsOver() throws Exception {
    String[] flags = {
      "--data=macbeth",
      "--schedule=constant",
      "--sample-every=0",
      "--log-every=1",
      "--eval-every=0",
      "--save-every=0"
    };
    RunFolder victim = run("victim");
    trainAndKill(victim, 5, flags);
    assertThat(victim.last()).doesNotExist();
    int end = victim.lastStep();

    victim.setSteps(end);
    Outcome resumed = resume(victim);
    RunFolder whole = run("whole");
    Outcome.of(whole.train(flags, "--steps=" + end));

    assertThat(resumed.exitCode()).isZero();
    assertThat(resumed.err()).doesNotContain("continues");
    assertThat(victim.steps()).hasSize(end).isEqualTo(whole.steps());
  }

  @Test
  void aMissedEvaluationIsMadeUpFor() throws Exception {
    String[] flags = {"--data=macbeth", "--schedule=constant", "--log-every=1", "--eval-every=4"};
    RunFolder whole = run("whole");
    Outcome.of(whole.train(flags, "--steps=8"));
    RunFolder victim = run("victim");
    Outcome.of(victim.train(flags, "--steps=4"));
    Path metrics = victim.path().resolve("metrics.jsonl");
    Files.writeString(metrics, Files.readString(metrics).replaceAll("\"val_loss\":[^,]*,", ""));
    Files.delete(victim.path().resolve("checkpoint/best.safetensors"));
    assertThat(victim.steps().getLast().validationLoss()).isNull();
    victim.setSteps(8);

    assertThat(resume(victim).exitCode()).isZero();
    assertThat(victim.steps()).isEqualTo(whole.steps());
  }

  @Test
  void aModelWithLayersTheConfigurationLacksIsNotResumed() throws Exception {
    RunFolder run = run("run");
    Outcome.of(run.train("--data=macbeth", "--steps=2"));
    Path config = run.path().resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("\"layers\" : 2", "\"layers\" : 1"));

    resume(run)
        .assertFails(
            1,
            ".*config.json has changed since .*last.safetensors was written: it has layers 1, not"
                + " 2; --accept-changes continues anyway");
    Outcome.of("train", "--resume", "--accept-changes", "--out", run.path().toString())
        .assertFails(
            1,
            ".*last.safetensors contains h\\.1\\..*, which the model of config.json does not have");
  }

  @Test
  void aRunWithoutACheckpointSaysThatItStartsOver() throws Exception {
    RunFolder run = run("run");
    Outcome.of(run.train("--data=macbeth", "--steps=2"));
    Files.delete(run.last());

    assertThat(resume(run).err()).contains("no checkpoint yet: starts again from the first step\n");
  }

  @Test
  void aMissedSampleIsMadeUpFor() throws Exception {
    String[] flags = {
      "--data=macbeth", "--schedule=constant", "--sample-every=4", "--save-every=8"
    };
    RunFolder whole = run("whole");
    Outcome.of(whole.train(flags, "--steps=12"));
    RunFolder victim = run("victim");
    Outcome.of(victim.train(flags, "--steps=8"));
    Path samples = victim.path().resolve("samples.jsonl");
    Files.writeString(samples, Files.readAllLines(samples).getFirst() + "\n"); // of step 4
    victim.setSteps(12);

    assertThat(resume(victim).exitCode()).isZero();
    assertThat(samples).hasSameTextualContentAs(whole.path().resolve("samples.jsonl"));
  }

  @Test
  void aFinishedRunHasNothingMoreToDo() throws Exception {
    RunFolder run = run("run");
    Outcome first = Outcome.of(run.train("--data=macbeth", "--steps=4", "--log-every=1"));
    var steps = run.steps();
    Outcome again = resume(run);

    assertThat(again.exitCode()).isZero();
    assertThat(again.out()).isEqualTo(first.out());
    assertThat(run.steps()).isEqualTo(steps);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void theSameSeedGivesTheSameBitsOnAnyNumberOfThreads(int threads) {
    String[] flags = {"--data=macbeth", "--dropout=0.1", "--log-every=1", "--steps=12"};
    RunFolder one = run("one");
    RunFolder other = run("other");
    Outcome first = Outcome.of(one.train(flags, "--threads=1"));
    Outcome again = Outcome.of(other.train(flags, "--threads=" + threads));

    assertThat(other.steps()).hasSize(12).isEqualTo(one.steps());
    assertThat(again.out()).isEqualTo(first.out());
  }

  @Test
  void anotherSeedGivesOtherBits() {
    RunFolder one = run("one");
    RunFolder other = run("other");
    Outcome.of(one.train("--data=macbeth", "--steps=3", "--log-every=1"));
    Outcome.of(other.train("--data=macbeth", "--steps=3", "--log-every=1", "--seed=1"));

    assertThat(other.steps()).hasSize(3).isNotEqualTo(one.steps());
  }

  /** Gives the killed run a last step, resumes it, and compares it with an uninterrupted run. */
  private void assertContinuesLikeAnUninterruptedRun(RunFolder victim, String... flags)
      throws Exception {
    int end = victim.lastStep() + 11;
    victim.setSteps(end);
    Outcome resumed = resume(victim);
    RunFolder whole = run("whole");
    Outcome uninterrupted = Outcome.of(whole.train(flags, "--steps=" + end));

    assertThat(resumed.exitCode()).isZero();
    assertThat(continuedAt(resumed)).isPositive().isLessThan(end);
    assertThat(victim.steps()).hasSize(end).isEqualTo(whole.steps());
    assertThat(victim.steps()).anyMatch(step -> step.validationLoss() != null);
    assertThat(uninterrupted.out()).endsWith(resumed.out());
    assertThat(victim.path().resolve("samples.jsonl")) // drawn from the weights
        .hasSameTextualContentAs(whole.path().resolve("samples.jsonl"));
  }

  private RunFolder run(String name) {
    return new RunFolder(folder.resolve(name));
  }

  private static Outcome resume(RunFolder run) {
    return Outcome.of("train", "--resume", "--out", run.path().toString());
  }

  private Outcome trainAndKill(RunFolder run, int steps, String... flags) throws Exception {
    try (Program program = Program.start(folder, run.train(flags, ENDLESS))) {
      return program.await(() -> run.lastStep() >= steps).signal("KILL");
    }
  }

  /** Resumes, and kills the run after {@code steps} more logged steps. */
  private Outcome resumeAndKill(RunFolder run, int steps) throws Exception {
    int target = run.lastStep() + steps;
    String directory = run.path().toString();
    try (Program program = Program.start(folder, "train", "--resume", "--out", directory)) {
      return program.await(() -> run.lastStep() >= target).signal("KILL");
    }
  }

  private static int continuedAt(Outcome outcome) {
    Matcher line = CONTINUES.matcher(outcome.err());
    assertThat(line.find()).as(outcome.err()).isTrue();
    return Integer.parseInt(line.group(1));
  }
}
