package dev.culebra.bench;

import picocli.CommandLine;

/**
 * Runs the commands of this module: one line for a failure, exit code 2 for usage. If an option is
 * given twice, the last one counts.
 */
public final class Commands {
  private Commands() {}

  /** Runs {@code command} and ends the JVM with its exit code. */
  public static void run(Object command, String[] args) {
    CommandLine line = new CommandLine(command);
    line.setOverwrittenOptionsAllowed(true);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setExecutionExceptionHandler(
        (failure, where, parsed) -> {
          System.err.println(where.getCommandName() + ": " + failure.getMessage());
          return CommandLine.ExitCode.SOFTWARE;
        });
    System.exit(line.execute(args));
  }
}
