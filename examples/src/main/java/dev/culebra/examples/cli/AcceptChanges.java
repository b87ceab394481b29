package dev.culebra.examples.cli;

import dev.culebra.train.ModelFiles;
import dev.culebra.train.RunFiles;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Whether to accept a run's files as they are now. */
final class AcceptChanges {
  @Option(
      names = "--accept-changes",
      description =
          "Accept a config.json or tokenizer.json that has changed since the checkpoint was"
              + " written.")
  private boolean accept;

  boolean given() {
    return accept;
  }

  /** Opens a run or another program's model for reading. */
  ModelFiles open(Path path) throws IOException {
    ModelFiles files = ModelFiles.open(path);
    return accept && files instanceof RunFiles run ? run.acceptChanges() : files;
  }
}
