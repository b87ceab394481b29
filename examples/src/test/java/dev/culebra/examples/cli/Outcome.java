package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * The outcome of a command line.
 *
 * @param exitCode of the process
 * @param out standard output
 * @param err standard error
 */
record Outcome(int exitCode, String out, String err) {
  /** Expects one line on standard error, which {@code line} matches, and nothing else. */
  void assertFails(int expectedExitCode, String line) {
    assertThat(err).matches("culebra: (" + line + ")\n").doesNotContain("internal error");
    assertThat(out).isEmpty();
    assertThat(exitCode).isEqualTo(expectedExitCode);
  }

  /** Runs a command line in this JVM. */
  static Outcome of(String... args) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
    ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    try {
      System.setOut(new PrintStream(outBytes, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(errBytes, true, StandardCharsets.UTF_8));
      int exitCode = Culebra.run(args);
      return new Outcome(
          exitCode,
          outBytes.toString(StandardCharsets.UTF_8),
          errBytes.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }
}
