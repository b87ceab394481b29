package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class HoldoutTest {
  private static final String END = "<|endoftext|>";

  @TempDir Path directory;
  private Corpora corpora;
  private Path books;

  /** Three books of 10, 20 and 30 characters, each of letters of its own. */
  @BeforeEach
  void open() throws IOException {
    corpora = new Corpora(directory.resolve("cache"));
    books = Files.createDirectory(directory.resolve("books"));
    Files.writeString(books.resolve("a.txt"), "abcdefghij");
    Files.writeString(books.resolve("b.md"), "klmnopqrst".repeat(2));
    Files.writeString(books.resolve("c.text"), "uvwxyzUVWX".repeat(3));
  }

  private static Holdout holdout(Holdout.Rule rule, float fraction) {
    return new Holdout(rule, fraction, "");
  }

  private Corpus corpus(Path data, Holdout holdout, TokenizerChoice tokenizer) throws IOException {
    return corpora.open(DataSpec.of(data.toString()).with(holdout), tokenizer);
  }

  private static String text(Corpus corpus, Split part) {
    Tokens tokens = corpus.tokens(part);
    int[] all = new int[Math.toIntExact(tokens.size())];
    tokens.copy(0, all.length, all, 0);
    return corpus.tokenizer().decode(all);
  }

  @Test
  void theEndOfEveryFileIsHeldOut() throws IOException {
    try (Corpus corpus = corpus(books, Holdout.DEFAULT, TokenizerChoice.CHAR)) {
      assertThat(text(corpus, Split.VALIDATION)).isEqualTo("jstVWX");
      assertThat(text(corpus, Split.TRAIN))
          .isEqualTo("abcdefghi" + "klmnopqrstklmnopqr" + "uvwxyzUVWXuvwxyzUVWXuvwxyzU");
      assertThat(corpus.describe())
          .isEqualTo(
              books
                  + ": 3 files, 54 training tokens, 6 validation tokens (the last 10 % of every"
                  + " file), a vocabulary of 30");
    }
    try (Corpus corpus = corpus(books, holdout(Holdout.Rule.FILES, 0.25f), TokenizerChoice.CHAR)) {
      assertThat(text(corpus, Split.VALIDATION)).isEqualTo("hij" + "pqrst" + "wxyzUVWX");
    }
  }

  @Test
  void theEndOfAllIsHeldOutWhereAskedAsBefore() throws IOException {
    Files.writeString(books.resolve("d.jsonl"), "{\"text\": \"not read then\"}");
    try (Corpus corpus = corpus(books, holdout(Holdout.Rule.END, 0.1f), TokenizerChoice.CHAR)) {
      assertThat(text(corpus, Split.VALIDATION)).isEqualTo("yzUVWX");
    }
  }

  @Test
  void bothRulesForEndsAgreeOnASingleFile() throws IOException {
    Path file = books.resolve("b.md");
    for (Holdout.Rule rule : new Holdout.Rule[] {Holdout.Rule.FILES, Holdout.Rule.END}) {
      try (Corpus corpus = corpus(file, holdout(rule, 0.1f), TokenizerChoice.CHAR)) {
        assertThat(text(corpus, Split.VALIDATION)).isEqualTo("st");
        assertThat(corpus.validationPart()).isEqualTo("the last 10 %");
      }
    }
  }

  @Test
  void theEndOfTextStandsBetweenWhatIsLeftOfDocuments() throws IOException {
    try (Corpus corpus = corpus(books, holdout(Holdout.Rule.FILES, 0.5f), TokenizerChoice.GPT2)) {
      assertThat(text(corpus, Split.TRAIN))
          .containsPattern("^a\\w+<\\|endoftext\\|>kl\\w+<\\|endoftext\\|>uv\\w+$");
      assertThat(text(corpus, Split.VALIDATION))
          .containsPattern("^\\w+j<\\|endoftext\\|>\\w+t<\\|endoftext\\|>\\w+X$");
    }
  }

  @Test
  void wholeDocumentsAreHeldOut() throws IOException {
    Path file = directory.resolve("documents.jsonl");
    StringBuilder lines = new StringBuilder();
    IntStream.range(0, 40)
        .forEach(i -> lines.append("{\"text\": \" document %d\"}\n".formatted(i)));
    Files.writeString(file, lines);
    Holdout documents = holdout(Holdout.Rule.DOCUMENTS, 0.25f);
    try (Corpus corpus = corpus(file, documents, TokenizerChoice.GPT2)) {
      String[] train = text(corpus, Split.TRAIN).split("<\\|endoftext\\|>");
      String[] validation = text(corpus, Split.VALIDATION).split("<\\|endoftext\\|>");
      assertThat(train).hasSize(30);
      assertThat(validation)
          .containsExactly(
              IntStream.range(0, 40)
                  .filter(documents::holds)
                  .mapToObj(i -> " document " + i)
                  .toArray(String[]::new));
      assertThat(train).doesNotContain(validation).doesNotHaveDuplicates();
    }
    assertThatThrownBy(
            () -> corpus(books, holdout(Holdout.Rule.DOCUMENTS, 0.01f), TokenizerChoice.CHAR))
        .isInstanceOf(DataException.class)
        .hasMessage(
            books + ": too few documents to hold out 1 % of the documents, drawn at random: 3");
  }

  @ParameterizedTest
  @ValueSource(floats = {0.1f, 0.25f, 0.3f, 0.5f, 0.75f})
  void theRequestedNumberOfDocumentsIsDrawn(float fraction) {
    Holdout documents = holdout(Holdout.Rule.DOCUMENTS, fraction);
    for (int group = 0; group < 20; group++) {
      assertThat(LongStream.range(group * 100, group * 100 + 100).filter(documents::holds).count())
          .isBetween(Math.round(100.0 * fraction) - 1, Math.round(100.0 * fraction) + 1);
    }
    assertThat(LongStream.range(0, 10_000).filter(documents::holds).count())
        .isEqualTo(Math.round(10_000.0 * fraction));
  }

  @ParameterizedTest
  @EnumSource
  void preparedTokensHaveTheSameParts(Holdout.Rule rule) throws IOException {
    Holdout holdout = holdout(rule, 0.4f);
    for (TokenizerChoice choice :
        new TokenizerChoice[] {TokenizerChoice.CHAR, TokenizerChoice.GPT2}) {
      Path out = directory.resolve("tokens-" + choice);
      TextFiles text = TextFiles.of(books);
      DataPreparation.prepare(text, Corpora.tokenizer(choice, text), holdout, false, out);
      try (Corpus read = corpus(books, holdout, choice);
          Corpus prepared = corpus(out, Holdout.DEFAULT, choice)) {
        for (Split part : Split.values()) {
          assertThat(text(prepared, part)).isEqualTo(text(read, part)).isNotEmpty();
        }
      }
    }
  }

  @Test
  void otherTextCanBeForValidation() throws IOException {
    Path other = Files.writeString(directory.resolve("other.txt"), "12 of other characters");
    Holdout holdout = new Holdout(Holdout.Rule.FILES, 0.1f, other.toString());
    try (Corpus corpus = corpus(books, holdout, TokenizerChoice.CHAR)) {
      assertThat(corpus.train().size()).isEqualTo(60);
      assertThat(text(corpus, Split.VALIDATION)).isEqualTo("12 of other characters");
      assertThat(corpus.describe()).contains("3 files, 60 training tokens", "(" + other + ")");
    }
  }

  @Test
  void otherPairsCanBeForValidation() throws IOException {
    String pair = "{\"prompt\": \"%s\", \"completion\": \"%s\"}\n";
    Path file = Files.writeString(directory.resolve("a.jsonl"), pair.formatted("a", "b").repeat(9));
    Path other =
        Files.writeString(directory.resolve("b.jsonl"), pair.formatted("c", "d").repeat(2));
    Holdout holdout = new Holdout(Holdout.Rule.FILES, 0.1f, other.toString());
    DataSpec data = DataSpec.of(file.toString());
    try (PromptPairs pairs =
        (PromptPairs) corpora.dataset(data.with(holdout), TokenizerChoice.CHAR)) {
      assertThat(pairs.questions(Split.TRAIN)).hasSize(9);
      assertThat(pairs.questions(Split.VALIDATION)).hasSize(2);
      assertThat(pairs.tokenizer().vocab()).isEqualTo(5);
    }
    try (PromptPairs pairs =
        (PromptPairs)
            corpora.dataset(data.with(holdout(Holdout.Rule.FILES, 0.34f)), TokenizerChoice.CHAR)) {
      assertThat(pairs.questions(Split.VALIDATION)).hasSize(3);
    }
    Holdout text = new Holdout(Holdout.Rule.FILES, 0.1f, books.toString());
    assertThatThrownBy(() -> corpora.dataset(data.with(text), TokenizerChoice.CHAR))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "%s is a .jsonl of prompts, but %s is texts or tokens: both must be of one kind",
            file, books);
  }

  @Test
  void specialTokensAreRecognisedIfRequested() throws IOException {
    Path file = Files.writeString(directory.resolve("s.txt"), ("one" + END).repeat(20));
    DataSpec data = DataSpec.of(file.toString());
    try (Corpus plain = corpora.open(data, TokenizerChoice.GPT2);
        Corpus special =
            corpora.open(
                new DataSpec(data.data(), data.holdout(), true, false), TokenizerChoice.GPT2)) {
      assertThat(special.train().size() + special.validation().size()).isEqualTo(40);
      assertThat(plain.train().size()).isGreaterThan(100);
    }
  }
}
