package dev.culebra.examples.cli;

import picocli.CommandLine.Option;

/** Options of every command. */
final class CommonOptions {
  static final String STACKTRACE = "--stacktrace";

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      order = Integer.MAX_VALUE,
      description = "Show this help.")
  private boolean help;

  @Option(
      names = STACKTRACE,
      order = Integer.MAX_VALUE,
      description = "Show where an error came from (also: CULEBRA_DEBUG=1).")
  private boolean stacktrace;
}
