package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ctrl-C and SIGTERM. */
class InterruptTest {
  /** Ctrl-C would be ignored if the tests run in the background of a shell. */
  private static final List<String> ATTENTIVE = List.of("env", "--default-signal=INT");

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"INT, 130", "TERM, 143"})
  void aSignalSavesACheckpointThatResumesExactly(String signal, int exitCode) throws Exception {
    assumeTrue(canResetSignals(), "no env --default-signal here");
    String[] flags = {
      "--data=macbeth",
      "--schedule=constant",
      "--log-every=1",
      "--eval-every=20",
      "--save-every=0",
      "--sample-every=0"
    };
    RunFolder run = new RunFolder(folder.resolve("run"));
    Outcome stopped = trainUntil(run, signal, run.train(flags, "--steps=1000000000"));
    int saved = run.lastStep();

    assertThat(stopped.exitCode()).isEqualTo(exitCode);
    assertThat(stopped.out()).isEmpty();
    assertThat(stopped.err())
        .endsWith(
            """
            stopped after step %d; checkpoint saved
            to continue: culebra train --resume --out %s
            """
                .formatted(saved, run.path()));
    assertThat(run.last()).isNotEmptyFile();

    int end = saved + 5;
    run.setSteps(end);
    Outcome resumed = Outcome.of("train", "--resume", "--out", run.path().toString());
    RunFolder whole = new RunFolder(folder.resolve("whole"));
    Outcome.of(whole.train(flags, "--steps=" + end));

    assertThat(resumed.err()).contains("continues after step " + saved + "\n");
    assertThat(run.steps()).hasSize(end).isEqualTo(whole.steps());
  }

  @Test
  void aSignalEndsATextWithItsLine() throws Exception {
    assumeTrue(canResetSignals(), "no env --default-signal here");
    RunFolder run = new RunFolder(folder.resolve("run"));
    assertThat(Outcome.of(run.train("--data=macbeth", "--steps=20")).exitCode()).isZero();
    String[] args = {
      "sample",
      "--run=" + run.path(),
      "--prompt=Macb",
      "--tokens=1000000000",
      "--samples=20",
      "--seed=1",
      "--stats"
    };
    List<String> command =
        Stream.concat(ATTENTIVE.stream(), Program.commandLine(args).stream()).toList();
    try (Program program = Program.start(folder, command)) {
      Outcome sample = program.await(() -> program.outSoFar().length() > 100).signal("INT");

      assertThat(sample.exitCode()).isEqualTo(130);
      assertThat(sample.out()).startsWith("Macb").endsWith("\n");
      assertThat(sample.err())
          .matches("(?s).*[0-9,]+ tokens, the first after [0-9.]+ s, then [0-9,.]+ tokens/s\n");
    }
  }

  private Outcome trainUntil(RunFolder run, String signal, String... args) throws Exception {
    List<String> command =
        Stream.concat(ATTENTIVE.stream(), Program.commandLine(args).stream()).toList();
    try (Program program = Program.start(folder, command)) {
      return program.await(() -> run.lastStep() >= 5).signal(signal);
    }
  }

  private static boolean canResetSignals() throws Exception {
    List<String> command = Stream.concat(ATTENTIVE.stream(), Stream.of("true")).toList();
    return new ProcessBuilder(command).start().waitFor() == 0;
  }
}
