package dev.culebra.examples.cli;

import dev.culebra.data.Corpora;
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
      description = "Text files, or folders of .txt, .text, .md and .jsonl files; or one name.")
  private List<String> texts;

  /** All texts, in order. */
  TextSource source() throws IOException {
    Corpora corpora = Exercises.corpora();
    if (texts.size() == 1) {
      return corpora.text(texts.getFirst());
    }
    for (String text : texts) {
      if (corpora.isAnswers(text)) {
        throw new CommandException(text + " holds questions and answers, not text");
      }
    }
    return TextFiles.of(texts.stream().map(Path::of).toList());
  }
}
