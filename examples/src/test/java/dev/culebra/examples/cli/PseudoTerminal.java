package dev.culebra.examples.cli;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * {@code culebra} run interactively: all its streams are a terminal, provided by {@code script},
 * and it is the terminal's foreground process.
 */
final class PseudoTerminal implements AutoCloseable {
  /** Ctrl-C would be ignored if the tests run in the background of a shell. */
  private static final List<String> ATTENTIVE =
      List.of("exec", "env", "--default-signal=INT,TERM,HUP");

  private static final String CTRL_C = "\u0003";
  private static final int SIGINT = 2;

  private final Program script;

  private PseudoTerminal(Program script) {
    this.script = script;
  }

  /**
   * Starts it in {@code directory} on a terminal with this many columns; skips the test if that is
   * impossible.
   */
  static PseudoTerminal start(Path directory, int columns, String... args) throws Exception {
    return start(directory, columns, Program.commandLine(args));
  }

  /** Starts a command that ends with {@code culebra}. */
  static PseudoTerminal start(Path directory, int columns, List<String> command) throws Exception {
    assumeTrue(works("script", "--version"), "no script(1) here");
    assumeTrue(works("env", "--default-signal=INT", "true"), "no env --default-signal here");
    String line =
        Stream.concat(ATTENTIVE.stream(), command.stream().map(PseudoTerminal::quoted))
            .collect(Collectors.joining(" ", "stty cols " + columns + "; ", ""));
    return new PseudoTerminal(
        Program.start(
            directory,
            Map.of("TERM", "xterm"),
            List.of("script", "--quiet", "--return", "--command", line, "/dev/null")));
  }

  private static String quoted(String word) {
    return "'" + word.replace("'", "'\\''") + "'";
  }

  private static boolean works(String... command) throws InterruptedException {
    try {
      return new ProcessBuilder(command).start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  /** The process that controls the terminal; its output combines both of the program's streams. */
  Program program() {
    return script;
  }

  /** Waits until the terminal's output matches {@code pattern}. */
  PseudoTerminal awaitShown(Pattern pattern) throws Exception {
    script.await(() -> pattern.matcher(script.outSoFar()).find());
    return this;
  }

  /** Waits until the program handles SIGINT, soon after its start. */
  PseudoTerminal awaitCatchesInterrupt() throws Exception {
    script.await(() -> java() != null && catchesInterrupt(java()));
    return this;
  }

  /** Whether the program currently handles SIGINT itself. */
  boolean catchesInterrupt() {
    return catchesInterrupt(java());
  }

  private static boolean catchesInterrupt(ProcessHandle process) {
    try {
      String caught =
          Files.readAllLines(Path.of("/proc/" + process.pid() + "/status")).stream()
              .filter(line -> line.startsWith("SigCgt:"))
              .map(line -> line.substring("SigCgt:".length()).strip())
              .findFirst()
              .orElseThrow();
      return (Long.parseUnsignedLong(caught, 16) >>> (SIGINT - 1) & 1) == 1;
    } catch (IOException e) {
      return false; // it ended
    }
  }

  /** The program's process; null if it does not exist yet. */
  ProcessHandle java() {
    return script
        .descendants()
        .filter(process -> process.info().command().orElse("").endsWith("/java"))
        .findFirst()
        .orElse(null);
  }

  /** Presses Ctrl-C. */
  void pressCtrlC() throws IOException {
    script.type(CTRL_C);
  }

  /** Sends a signal only to the program. */
  void signal(String name) throws Exception {
    new ProcessBuilder("kill", "-" + name, Long.toString(java().pid())).start().waitFor();
  }

  /** Closes the window: the terminal disappears, and the system sends SIGHUP. */
  void vanish() {
    script.close();
  }

  /** Waits for the end; the output has plain line ends. */
  Outcome finish() throws Exception {
    Outcome outcome = script.finish();
    String shown = outcome.out().replace("\r\n", "\n").replace(Program.INCUBATOR_WARNING, "");
    return new Outcome(outcome.exitCode(), shown, outcome.err());
  }

  @Override
  public void close() {
    ProcessHandle java = java();
    if (java != null) {
      java.destroyForcibly();
    }
    script.close();
  }
}
