package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a person at a terminal sees, which {@code script} stands for. */
class ProgressBarTest {
  private static final int COLUMNS = 110;

  @TempDir Path folder;

  @Test
  void aTerminalShowsABarWithStepLossSpeedAndTimeLeft() throws Exception {
    assumeTrue(hasScript(), "no script(1) here");
    RunFolder run = new RunFolder(folder.resolve("run"));
    String[] flags = {"--data=macbeth", "--steps=60", "--eval-every=20", "--sample-every=30"};

    Outcome outcome = onTerminal(run.train(flags));
    List<String> drawn =
        outcome.out().lines().flatMap(line -> List.of(line.split("\r")).stream()).toList();

    assertThat(outcome.exitCode()).isZero();
    assertThat(drawn)
        .map(line -> line.replaceAll("\u001B\\[\\d+m", "").strip())
        .anyMatch(
            line ->
                line.matches(
                    "step 60/60 ━+  loss \\d\\.\\d{4}  val loss \\d\\.\\d{4}  [\\d,]+ tokens/s"
                        + "  0:00 left"))
        .allMatch(line -> !line.startsWith("step ") || line.length() < COLUMNS)
        .contains("--- after step 30 ---");
    assertThat(outcome.out()).contains("\u001B[33m━");
  }

  private Outcome onTerminal(String... args) throws Exception {
    String command =
        Program.commandLine(args).stream()
            .map(argument -> "'" + argument + "'")
            .collect(Collectors.joining(" ", "export TERM=xterm; stty cols " + COLUMNS + "; ", ""));
    try (Program program =
        Program.start(
            folder, List.of("script", "--quiet", "--return", "--command", command, "/dev/null"))) {
      return program.finish();
    }
  }

  private static boolean hasScript() throws InterruptedException {
    try {
      return new ProcessBuilder("script", "--version").start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
