package dev.culebra.examples.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The folder that a command writes files to. */
final class OutputFolder {
  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Output folder; created if it does not exist.")
  private Path path;

  @Option(names = "--overwrite", description = "Replace existing files in --out.")
  private boolean overwrite;

  Path path() {
    return path;
  }

  /**
   * Fails if files would be replaced without {@code --overwrite}.
   *
   * @param taken whether there are such files
   * @param what they are
   */
  void requireFree(boolean taken, String what) {
    if (taken && !overwrite) {
      throw new CommandException(
          "%s already holds %s: --overwrite replaces them".formatted(path, what));
    }
  }
}
