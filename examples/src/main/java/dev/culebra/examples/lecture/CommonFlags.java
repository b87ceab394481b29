package dev.culebra.examples.lecture;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** Flags of every program. */
final class CommonFlags {
  @Spec(Target.MIXEE)
  private CommandSpec program;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      order = Integer.MAX_VALUE,
      description = "Show this help.")
  private boolean help;

  /**
   * Rejects a value that makes no sense.
   *
   * @throws ParameterException if {@code value} is below 1
   */
  void requirePositive(String option, int value) {
    if (value < 1) {
      throw usage(option + " must be at least 1, not " + value);
    }
  }

  /** The exception for an invalid command line. */
  ParameterException usage(String line) {
    return new ParameterException(program.commandLine(), line);
  }
}
