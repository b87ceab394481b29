package dev.culebra.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CommandLineErrorsTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          inf                | unknown command 'inf'; did you mean info or train?
          zzz                | unknown command 'zzz' (see: culebra --help)
          --zzz              | unknown option '--zzz' (see: culebra --help)
          info --jsno        | unknown option '--jsno'; did you mean --json?
          info this          | unexpected argument 'this' (see: culebra info --help)
          info --json=x      | invalid value for option '--json': 'x' is not a boolean (see: culebra info --help)
          info --json --json | option '--json' should be specified only once (see: culebra info --help)
          help zzz           | unknown command 'zzz' (see: culebra --help)
          """)
  void anInvalidCommandLineGivesOneLineAndExitCode2(String commandLine, String line) {
    Outcome outcome = Outcome.of(commandLine.split(" "));

    assertThat(outcome).isEqualTo(new Outcome(2, "", "culebra: " + line + "\n"));
  }

  @Test
  void aStackTraceIsPrintedOnlyOnRequest() {
    Outcome outcome = Outcome.of("info", "--zzz", "--stacktrace");

    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err().lines())
        .startsWith("culebra: unknown option '--zzz' (see: culebra info --help)")
        .anyMatch(line -> line.startsWith("\tat picocli."));
  }
}
