package dev.culebra.examples.cli;

import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.train.RunFiles;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Whether a run's files are taken as they are now. */
final class AcceptChanges {
  @Option(
      names = "--accept-changes",
      description =
          "Go on with a config.json or tokenizer.json that was changed since the checkpoint was"
              + " written.")
  private boolean accept;

  boolean given() {
    return accept;
  }

  /** Opens a run for reading. */
  RunFiles open(Path directory) throws CheckpointException {
    RunFiles files = RunFiles.open(directory);
    return accept ? files.acceptChanges() : files;
  }
}
