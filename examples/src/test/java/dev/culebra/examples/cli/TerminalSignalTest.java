package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ctrl-C, SIGTERM and a closed window at a terminal, in every phase of the program. */
class TerminalSignalTest {
  private static final int COLUMNS = 100;
  private static final Pattern BAR_WITH_FIGURES = Pattern.compile("step +\\d+/\\d+ .*loss \\d");
  private static final long PATIENCE_SECONDS = 60;

  @TempDir Path folder;

  /** The phases of the program. */
  private enum Phase {
    TRAINING("--eval-every=0", "--sample-every=0"),
    EVALUATION("--eval-every=1", "--eval-batches=100", "--sample-every=0"),
    SAMPLE("--eval-every=0", "--sample-every=1");

    private final List<String> flags;

    Phase(String... flags) {
      this.flags = List.of(flags);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "CTRL_C, 130, TRAINING, false",
    "CTRL_C, 130, EVALUATION, true",
    "CTRL_C, 130, SAMPLE, false",
    "CTRL_C_TWICE, 130, TRAINING, true",
    "INT, 130, SAMPLE, true",
    "TERM, 143, TRAINING, true",
    "TERM, 143, EVALUATION, false",
    "HUP, 129, SAMPLE, true",
    "HUP, 129, EVALUATION, false"
  })
  void aSignalSavesACheckpointAndSaysHowToResume(
      String signal, int exitCode, Phase phase, boolean dashboard) throws Exception {
    RunFolder run = new RunFolder(folder.resolve("run"));
    try (PseudoTerminal terminal =
        PseudoTerminal.start(folder, COLUMNS, endless(run, phase, dashboard))) {
      terminal.awaitShown(BAR_WITH_FIGURES);
      assertThat(terminal.catchesInterrupt()).isTrue();
      send(signal, terminal);
      Outcome outcome = terminal.finish();

      assertThat(outcome.exitCode()).isEqualTo(exitCode);
      assertThat(outcome.out()).doesNotContain("Exception");
      assertThat(lastLines(outcome.out(), 2))
          .first()
          .asString()
          .matches("stopped after step \\d+; checkpoint saved");
      assertThat(lastLines(outcome.out(), 1))
          .containsExactly("to continue: culebra train --resume --out " + run.path());
      assertThat(run.last()).isNotEmptyFile();
      assertThat(outcome.out().contains("dashboard: http://")).isEqualTo(dashboard);
    }
  }

  @Test
  void aClosedWindowSavesACheckpoint() throws Exception {
    RunFolder run = new RunFolder(folder.resolve("run"));
    try (PseudoTerminal terminal =
        PseudoTerminal.start(folder, COLUMNS, endless(run, Phase.TRAINING, false))) {
      terminal.awaitShown(BAR_WITH_FIGURES);
      ProcessHandle java = terminal.java();
      terminal.vanish();
      java.onExit().get(PATIENCE_SECONDS, TimeUnit.SECONDS);

      assertThat(run.last()).isNotEmptyFile();
    }
  }

  @Test
  void atTheStartItEndsImmediatelyAndTheFolderCanBeReused() throws Exception {
    RunFolder run = new RunFolder(folder.resolve("run"));
    String[] args = endless(run, Phase.TRAINING, false);
    for (int attempt = 0; attempt < 3; attempt++) {
      try (PseudoTerminal terminal = PseudoTerminal.start(folder, COLUMNS, args)) {
        terminal.awaitCatchesInterrupt();
        Thread.sleep(Duration.ofMillis(250L * attempt));
        terminal.pressCtrlC();
        Outcome outcome = terminal.finish();

        assertThat(outcome.exitCode()).isEqualTo(130);
        assertThat(outcome.out()).doesNotContain("Exception", "culebra: ");
      }
      if (Files.exists(run.path().resolve("config.json"))) {
        run.setSteps(1);
        assertThat(Outcome.of("train", "--resume", "--out", run.path().toString()).exitCode())
            .isZero();
        return;
      }
    }
    assertThat(Outcome.of(run.train("--data=macbeth", "--steps=1")).exitCode()).isZero();
  }

  private static void send(String signal, PseudoTerminal terminal) throws Exception {
    switch (signal) {
      case "CTRL_C" -> terminal.pressCtrlC();
      case "CTRL_C_TWICE" -> {
        terminal.pressCtrlC();
        terminal.pressCtrlC();
      }
      default -> terminal.signal(signal);
    }
  }

  private static String[] endless(RunFolder run, Phase phase, boolean dashboard) {
    List<String> flags =
        new ArrayList<>(
            List.of(
                "train",
                "--out=" + run.path(),
                "--data=macbeth",
                "--steps=1000000000",
                "--log-every=1",
                "--save-every=0"));
    flags.addAll(RunFolder.TINY.stream().filter(flag -> !flag.startsWith("--eval")).toList());
    flags.addAll(phase.flags);
    if (dashboard) {
      flags.add("--dashboard=0");
    }
    return flags.toArray(String[]::new);
  }

  private static List<String> lastLines(String text, int count) {
    List<String> lines = text.lines().toList();
    return lines.subList(lines.size() - count, lines.size());
  }
}
