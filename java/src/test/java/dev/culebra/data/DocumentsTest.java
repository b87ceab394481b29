package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DocumentsTest {
  private static final String END = "<|endoftext|>";

  /** With it the two parts are, one after the other, the whole text. */
  private static final Holdout END_OF_ALL = new Holdout(Holdout.Rule.END, 0.1f, "");

  @TempDir Path directory;
  private Corpora corpora;

  @BeforeEach
  void open() {
    corpora = new Corpora(directory.resolve("cache"));
  }

  private String decoded(Path data, TokenizerChoice tokenizer) throws IOException {
    try (Corpus corpus = corpora.open(DataSpec.of(data.toString()).with(END_OF_ALL), tokenizer)) {
      IntStream.Builder tokens = IntStream.builder();
      for (Tokens part : List.of(corpus.train(), corpus.validation())) {
        for (long i = 0; i < part.size(); i++) {
          tokens.add(part.token(i));
        }
      }
      return corpus.tokenizer().decode(tokens.build().toArray());
    }
  }

  private Path folder() throws IOException {
    Path folder = Files.createDirectories(directory.resolve("texts"));
    Files.writeString(folder.resolve("a.txt"), "first text");
    Files.writeString(folder.resolve("b.txt"), "");
    Files.writeString(folder.resolve("c.md"), "second " + END + " text\n");
    return folder;
  }

  @Test
  void theEndOfTextStandsBetweenFiles() throws IOException {
    TokenizerChoice pairs =
        TokenizerChoice.parse(HuggingFaceTokenizerTest.folder("qwen2").toString());
    for (TokenizerChoice choice : List.of(TokenizerChoice.GPT2, pairs)) {
      assertThat(decoded(folder(), choice))
          .isEqualTo("first text" + END + "second " + END + " text\n");
    }
    DataSpec data = DataSpec.of(folder().toString()).with(END_OF_ALL);
    try (Corpus corpus = corpora.open(data, TokenizerChoice.GPT2)) {
      assertThat(corpus.train().token(2)).isEqualTo(Gpt2Tokenizer.END_OF_TEXT);
      for (long i = 3; i < corpus.train().size(); i++) {
        assertThat(corpus.train().token(i)).isNotEqualTo(Gpt2Tokenizer.END_OF_TEXT);
      }
    }
  }

  @Test
  void charactersHaveNothingBetweenFiles() throws IOException {
    assertThat(decoded(folder(), TokenizerChoice.CHAR))
        .isEqualTo("first textsecond " + END + " text\n");
  }

  @Test
  void prepareRecognisesSpecialTokensIfRequested() throws IOException {
    Tokenizer tokenizer = new Gpt2Tokenizer();
    TextSource text = TextFiles.of(folder());
    DataPreparation.Result plain =
        DataPreparation.prepare(
            text, tokenizer, Holdout.DEFAULT, false, directory.resolve("plain"));
    DataPreparation.Result special =
        DataPreparation.prepare(
            text, tokenizer, Holdout.DEFAULT, true, directory.resolve("special"));
    int written = tokenizer.encode(END).length;
    assertThat(written).isGreaterThan(1);
    assertThat(plain.trainTokens() + plain.validationTokens())
        .isGreaterThan(special.trainTokens() + special.validationTokens());
    assertThat(decoded(directory.resolve("plain"), TokenizerChoice.CHAR))
        .isEqualTo(decoded(directory.resolve("special"), TokenizerChoice.CHAR));
  }

  @Test
  void aLineOfJsonIsADocument() throws IOException {
    Path file = directory.resolve("texts.jsonl");
    String emoji = "🐍".repeat(70_000); // more than one piece, whose border cuts no pair
    Files.writeString(
        file,
        "{\"id\": 1, \"text\": \"one\\nline\"}\n\n{\"text\": \"\"}\n{\"text\": \"a%s\"}\n"
            .formatted(emoji));
    assertThat(corpora.canLeaveOutCharacters(file.toString())).isTrue();
    assertThat(decoded(file, TokenizerChoice.GPT2)).isEqualTo("one\nline" + END + "a" + emoji);
    try (Dataset dataset = corpora.dataset(DataSpec.of(file.toString()), TokenizerChoice.CHAR)) {
      assertThat(dataset).isInstanceOf(Corpus.class);
      assertThat(dataset.tokenizer().vocab()).isEqualTo(8);
    }
  }

  @Test
  void pairsAreNotDocuments() throws IOException {
    Path file = directory.resolve("pairs.jsonl");
    Files.writeString(file, "{\"prompt\": \"a\", \"completion\": \"b\"}\n".repeat(3));
    assertThat(corpora.canLeaveOutCharacters(file.toString())).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "{\"tex\": 1} | needs a text as \"text\"",
        "{\"text\": 1} | needs a text as \"text\"",
        "[] | needs a text as \"text\"",
        "{\"text\": \"\\ud83d\"} | has half a surrogate pair in its \"text\"",
        "{\"text\": \"a\"} x | is not one JSON object: Unrecognized token 'x': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
      })
  void aLineThatIsNotADocumentIsNamed(String line, String fault) throws IOException {
    Path file = directory.resolve("texts.jsonl");
    Files.writeString(file, "{\"text\": \"fine\"}\n" + line + "\n");
    assertThatThrownBy(() -> corpora.open(DataSpec.of(file.toString()), TokenizerChoice.CHAR))
        .isInstanceOf(DataException.class)
        .hasMessage("%s:2: %s", file, fault);
  }
}
