package dev.culebra.examples.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Where a command writes several files. */
final class OutputFolder {
  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Where to write; made if need be.")
  private Path path;

  @Option(names = "--overwrite", description = "Replace such files that --out already holds.")
  private boolean overwrite;

  Path path() {
    return path;
  }

  /**
   * Refuses to replace what nobody asked to have replaced.
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
