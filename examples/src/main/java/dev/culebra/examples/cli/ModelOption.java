package dev.culebra.examples.cli;

import dev.culebra.train.ModelFiles;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The trained model that a command reads. */
final class ModelOption {
  @Option(
      names = "--run",
      required = true,
      paramLabel = "PATH",
      description =
          "A run directory, a Hugging Face folder with weights and tokenizer, or an llm.c"
              + " checkpoint.")
  private Path path;

  @Mixin private AcceptChanges acceptChanges;

  Path path() {
    return path;
  }

  /** The files of the model, which the caller closes. */
  ModelFiles open() throws IOException {
    return acceptChanges.open(path);
  }
}
