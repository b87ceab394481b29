package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run's output on a terminal. */
class ProgressBarTest {
  private static final int COLUMNS = 110;
  private static final int NARROW = 40;
  private static final Pattern ESCAPES = Pattern.compile("\u001B\\[\\??\\d*[A-Za-z]");

  @TempDir Path folder;

  @Test
  void aTerminalShowsABarWithStepLossSpeedAndTimeLeft() throws Exception {
    Outcome outcome =
        train(COLUMNS, "--data=macbeth", "--steps=60", "--eval-every=20", "--sample-every=30");

    assertThat(drawn(outcome))
        .anyMatch(
            line ->
                line.matches(
                    "step 60/60 ━+  loss \\d\\.\\d{4}  val loss \\d\\.\\d{4}  [\\d,]+ tokens/s"
                        + "  0:00 left"))
        .allMatch(line -> !line.startsWith("step ") || line.length() < COLUMNS)
        .contains("--- after step 30 ---");
    assertThat(outcome.out()).contains("\u001B[33m━");
  }

  @Test
  void aNarrowTerminalShowsLess() throws Exception {
    Outcome outcome = train(NARROW, "--data=macbeth", "--steps=60", "--eval-every=20");

    assertThat(drawn(outcome))
        .anyMatch(line -> line.matches("step 60/60 ━+  loss \\d\\.\\d{4}"))
        .allMatch(line -> !line.startsWith("step ") || line.length() < NARROW);
  }

  @Test
  void theBarAppearsBeforeTheFirstFigures() throws Exception {
    Outcome outcome = train(COLUMNS, "--data=macbeth", "--steps=3", "--log-every=1000");

    assertThat(drawn(outcome)).anyMatch(line -> line.matches("step 0/3 ─+  0:00 gone"));
  }

  @Test
  void otherOutputIsOnSeparateLines() throws Exception {
    Outcome outcome = train(COLUMNS, "--data=macbeth", "--steps=30", "--dashboard=0");

    assertThat(shown(outcome)).anyMatch(line -> line.matches("dashboard: http://\\S+"));
  }

  @Test
  void aResizedWindowShowsOneBarOfItsWidth() throws Exception {
    RunFolder run = new RunFolder(folder.resolve("run"));
    String[] endless =
        run.train("--data=macbeth", "--steps=100000000", "--eval-every=0", "--sample-every=0");
    try (Emulator window = Emulator.start(folder, COLUMNS, endless)) {
      window.await(shown -> bars(shown).stream().anyMatch(bar -> bar.contains("tokens/s")));
      for (int columns : new int[] {60, NARROW, 100, 20, COLUMNS}) {
        window.resize(columns);
        List<String> shown = window.await(lines -> isOneBarOf(columns, lines));

        assertThat(isOneBarOf(columns, shown)).as("%d columns: %s", columns, shown).isTrue();
      }
    }
  }

  private static boolean isOneBarOf(int columns, List<String> shown) {
    List<String> bars = bars(shown);
    return bars.size() == 1
        && bars.getFirst().startsWith("step ")
        && bars.getFirst().length() <= columns - 1
        && bars.getFirst().length() >= columns - 10;
  }

  /** The lines with a bar or a part of one. */
  private static List<String> bars(List<String> shown) {
    return shown.stream().filter(line -> line.matches(".*([━─]|step +\\d|tokens/s).*")).toList();
  }

  private Outcome train(int columns, String... flags) throws Exception {
    RunFolder run = new RunFolder(folder.resolve("run"));
    try (PseudoTerminal terminal = PseudoTerminal.start(folder, columns, run.train(flags))) {
      Outcome outcome = terminal.finish();
      assertThat(outcome.exitCode()).isZero();
      return outcome;
    }
  }

  /** Every line that was visible at some time, without colours. */
  private static List<String> drawn(Outcome outcome) {
    return ESCAPES
        .matcher(outcome.out())
        .replaceAll("")
        .lines()
        .flatMap(line -> List.of(line.split("\r")).stream())
        .toList();
  }

  /** The lines that remain after overdrawing and after erasing below the cursor. */
  private static List<String> shown(Outcome outcome) {
    return outcome
        .out()
        .lines()
        .map(line -> line.substring(line.lastIndexOf("\r\u001B[J") + 1))
        .map(line -> ESCAPES.matcher(line).replaceAll(""))
        .toList();
  }
}
