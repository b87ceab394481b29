package dev.culebra.examples.cli;

import dev.culebra.data.TextFiles;
import dev.culebra.data.TextSource;
import dev.culebra.examples.arithmetic.Exercises;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Parameters;

/** The texts that a command reads. */
final class InputTexts {
  @Parameters(
      paramLabel = "TEXT",
      arity = "1..*",
      description = "Text files, or folders of .txt, .text and .md files; or one name.")
  private List<String> texts;

  /** All texts, in order. */
  TextSource source() throws IOException {
    return texts.size() == 1
        ? Exercises.corpora().text(texts.getFirst())
        : TextFiles.of(texts.stream().map(Path::of).toList());
  }
}
