package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.TokenDecoder;
import dev.culebra.text.TokenEncoder;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.TokenizerKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorporaTest {
  @TempDir Path directory;
  private Corpora corpora;

  @BeforeEach
  void open() {
    corpora = new Corpora(directory.resolve("cache"));
  }

  @Test
  void theFirstNinetyPercentAreForTraining() throws IOException {
    Path file = Files.writeString(directory.resolve("text"), "abcdefghijklmnopqrstuvwxyz");
    try (Corpus corpus = corpora.open(file.toString(), TokenizerKind.CHAR)) {
      assertThat(corpus.train().size()).isEqualTo(23);
      assertThat(corpus.validation().size()).isEqualTo(3);
      assertThat(corpus.tokenizer().decode(corpus.validation().token(0))).isEqualTo("x");
      assertThat(corpus.tokens(Split.TRAIN)).isSameAs(corpus.train());
      assertThat(corpus.tokens(Split.VALIDATION)).isSameAs(corpus.validation());
      corpus.requireContext(2);
      assertThatThrownBy(() -> corpus.requireContext(3))
          .isInstanceOf(DataException.class)
          .hasMessageStartingWith(file + " (validation part) has 3 tokens, but a context of 3");
    }
  }

  @Test
  void theTrainingShareIsExactForAnySize() {
    assertThat(Stream.of(0L, 1L, 2L, 9L, 10L, 11L, 1_115_394L).map(Holdout.DEFAULT::kept))
        .containsExactly(0L, 0L, 1L, 8L, 9L, 9L, 1_003_854L);
    assertThat(Holdout.DEFAULT.kept(Long.MAX_VALUE)).isEqualTo(8_301_034_833_169_298_226L);
  }

  @Test
  void gpt2TokensOfAText() throws IOException {
    Path file = Files.writeString(directory.resolve("text"), "hello world ".repeat(5));
    try (Corpus corpus = corpora.open(file.toString(), TokenizerKind.GPT2)) {
      assertThat(corpus.tokenizer()).isEqualTo(new Gpt2Tokenizer());
      assertThat(corpus.train().token(1)).isEqualTo(995);
    }
  }

  @Test
  void bytesPerTokenAreMeasuredOnTheValidationPart() throws IOException {
    Path file = Files.writeString(directory.resolve("text"), "a".repeat(90) + "é€x ".repeat(3));
    try (Corpus corpus = corpora.open(file.toString(), TokenizerKind.CHAR)) {
      assertThat(corpus.validation().size()).isEqualTo(11);
      assertThat(corpus.bytesPerToken()).hasValue((5 + 7 + 7) / 11.0);
    }
    Files.writeString(file, "hello world ".repeat(50));
    try (Corpus corpus = corpora.open(file.toString(), TokenizerKind.GPT2)) {
      assertThat(corpus.bytesPerToken().orElseThrow()).isBetween(5.5, 6.5);
    }
  }

  @Test
  void aTextForAModelWithATokenizer() throws IOException {
    Path file = Files.writeString(directory.resolve("text"), "cabbage");
    Tokenizer tokenizer = CharTokenizer.of("abcdefgh");
    try (Corpus corpus = corpora.open(file.toString(), tokenizer)) {
      assertThat(corpus.train().token(0)).isEqualTo(2);
      assertThat(corpus.train().vocab()).isEqualTo(8);
    }
    assertThatThrownBy(() -> corpora.open(file.toString(), CharTokenizer.of("abc")))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "%s: character 6 of the text, 'g' (U+0067), is not in the vocabulary of 3 characters",
            file);
  }

  @Test
  void preparedCharactersSurviveTheRoundTrip() throws IOException {
    Path text = Files.writeString(directory.resolve("text.txt"), "hello, wörld");
    Path out = directory.resolve("a/prepared");
    DataPreparation.Result result =
        DataPreparation.prepare(List.of(text), TokenizerChoice.CHAR, out);
    assertThat(result.trainTokens()).isEqualTo(10);
    assertThat(result.validationTokens()).isEqualTo(2);
    assertThat(out.resolve("train.bin")).hasSize(20);
    assertThat(out.resolve("val.bin")).hasSize(4);
    try (Corpus corpus = corpora.open(out.toString(), TokenizerKind.GPT2)) {
      assertThat(corpus.tokenizer()).isEqualTo(CharTokenizer.of("hello, wörld"));
      assertThat(decode(corpus, Split.TRAIN)).isEqualTo("hello, wör");
      assertThat(decode(corpus, Split.VALIDATION)).isEqualTo("ld");
    }
    try (Corpus corpus = corpora.open(out.resolve("train.bin").toString(), TokenizerKind.CHAR)) {
      assertThat(decode(corpus, Split.TRAIN)).isEqualTo("hello, wö");
      assertThat(decode(corpus, Split.VALIDATION)).isEqualTo("r");
    }
    assertThatThrownBy(() -> corpora.open(out.toString(), new Gpt2Tokenizer()))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "the tokens in %s were made by tokenizer char (10 tokens), but the model has another,"
                + " gpt2 (50257 tokens)",
            out);
  }

  @Test
  void preparingAgainReplaces() throws IOException {
    Path text = Files.writeString(directory.resolve("text.txt"), "hello world ".repeat(100));
    DataPreparation.prepare(List.of(text), TokenizerChoice.CHAR, directory);
    DataPreparation.Result result =
        DataPreparation.prepare(List.of(text), TokenizerChoice.GPT2, directory);
    try (Corpus corpus = corpora.open(directory.toString(), TokenizerKind.CHAR)) {
      assertThat(corpus.tokenizer()).isEqualTo(new Gpt2Tokenizer());
      assertThat(corpus.train().size()).isEqualTo(result.trainTokens());
      assertThat(decode(corpus, Split.TRAIN) + decode(corpus, Split.VALIDATION))
          .isEqualTo("hello world ".repeat(100));
    }
  }

  @Test
  void aFailedPreparationKeepsTheOldFiles() throws IOException {
    Path text = Files.writeString(directory.resolve("text.txt"), "hello");
    DataPreparation.prepare(List.of(text), TokenizerChoice.CHAR, directory);
    Path bad = Files.write(directory.resolve("bad"), new byte[] {'h', (byte) 0xFF});
    assertThatThrownBy(
            () -> DataPreparation.prepare(List.of(text, bad), TokenizerChoice.GPT2, directory))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(bad + " is not valid UTF-8 at byte 1");
    Path one = Files.writeString(directory.resolve("one"), "h");
    assertThatThrownBy(() -> DataPreparation.prepare(List.of(one), TokenizerChoice.CHAR, directory))
        .isInstanceOf(DataException.class)
        .hasMessage("%s has 1 tokens: too few to divide into two parts", one);
    try (Corpus corpus = corpora.open(directory.toString(), TokenizerKind.CHAR)) {
      assertThat(decode(corpus, Split.TRAIN)).isEqualTo("hell");
    }
  }

  @Test
  void unusableDataIsReportedInOneLine() throws IOException {
    assertRefused(
        "nowhere",
        "no such data: nowhere is neither a file nor one of dickens, macbeth, shakespeare");
    Path empty = Files.writeString(directory.resolve("empty.txt"), "");
    assertRefused(empty.toString(), empty + " is empty");
    assertThatThrownBy(() -> corpora.open(empty.toString(), TokenizerKind.GPT2))
        .hasMessage(empty + " is empty");
    Path odd = Files.write(directory.resolve("odd.bin"), new byte[3]);
    assertRefused(
        odd.toString(),
        odd + " is not a token file: 3 bytes are not a whole number of 16-bit tokens");
    assertThatThrownBy(() -> corpora.text(odd.toString()))
        .hasMessage(odd + " holds tokens, not text");
    Files.write(directory.resolve("train.bin"), new byte[4]);
    assertRefused(
        directory.toString(),
        directory
            + " holds only token files for training (train.bin): one for validation is missing,"
            + " such as x_val_000000.bin");
  }

  /** A dataset of a program's own. */
  private record Own(String name) implements Dataset {
    @Override
    public String describe() {
      return name;
    }

    @Override
    public Tokenizer tokenizer() {
      return CharTokenizer.of("ab");
    }

    @Override
    public Batches batches(Split split, long seed) {
      return (batch, step, microStep) -> batch.clear();
    }

    @Override
    public void requireContext(int context) {}

    @Override
    public Showcase showcase(Learner learner) {
      return abandon -> name;
    }

    @Override
    public Measurement measure(Learner learner) {
      return new Measurement(name, Map.of());
    }

    @Override
    public void close() {}
  }

  /** {@code own-N} for any digit N. */
  private static final NamedDatasets OWN =
      new NamedDatasets() {
        @Override
        public List<String> names() {
          return List.of("own-1");
        }

        @Override
        public Optional<Dataset> find(String name) {
          return name.matches("own-?\\d")
              ? Optional.of(new Own("own-" + digit(name)))
              : Optional.empty();
        }

        private static char digit(String name) {
          return name.charAt(name.length() - 1);
        }
      };

  @Test
  void userDefinedDatasetsHaveNames() throws IOException {
    Corpora more = corpora.with(OWN);

    assertThat(more.dataset(DataSpec.of("own7"), TokenizerChoice.CHAR)).isEqualTo(new Own("own-7"));
    assertThat(more.dataset(DataSpec.of("own7"), CharTokenizer.of("ab")))
        .isEqualTo(new Own("own-7"));
    assertThat(more.settled("own7")).isEqualTo("own-7");
    assertThat(more.settled("macbeth")).isEqualTo("macbeth");
    assertThat(more.settled("a/../b")).isEqualTo(Path.of("b").toAbsolutePath().toString());
    assertThat(more.canLeaveOutCharacters("own7")).isFalse();
    assertThat(more.canLeaveOutCharacters("macbeth")).isTrue();
    assertThatThrownBy(() -> more.dataset(DataSpec.of("own7"), CharTokenizer.of("abc")))
        .isInstanceOf(DataException.class)
        .hasMessage("own-7 is written in other characters than the model reads");
    assertThatThrownBy(() -> more.text("own7"))
        .isInstanceOf(DataException.class)
        .hasMessage("own7 is generated on the fly: it has no text");
    assertThatThrownBy(() -> more.dataset(DataSpec.of("gone"), TokenizerChoice.CHAR))
        .hasMessageStartingWith("no such data: gone is neither a file nor one of ")
        .hasMessageEndingWith(", own-1");
    assertThatThrownBy(() -> corpora.dataset(DataSpec.of("own7"), TokenizerChoice.CHAR))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith("no such data: own7");
  }

  /** As when memory runs out after the first of two files was mapped. */
  @Test
  void anErrorLeavesNoFileMapped() throws IOException {
    Path train = Files.write(directory.resolve("train.bin"), new byte[64]);
    Path validation = Files.write(directory.resolve("val.bin"), new byte[64]);
    AssertionError error = new AssertionError("as if memory had run out");
    int[] calls = {0};
    Tokenizer failing =
        new Tokenizer() {
          @Override
          public String name() {
            return "failing";
          }

          @Override
          public int vocab() {
            if (calls[0]++ > 0) {
              throw error;
            }
            return 256;
          }

          @Override
          public TokenEncoder encoder() {
            throw new UnsupportedOperationException();
          }

          @Override
          public TokenDecoder decoder() {
            throw new UnsupportedOperationException();
          }
        };

    assertThatThrownBy(() -> Corpus.fromTokenFiles("tokens", train, validation, failing))
        .isSameAs(error);

    assertThat(Files.readString(Path.of("/proc/self/maps"))).doesNotContain(train.toString());
  }

  @Test
  void theCacheFollowsTheXdgSpecification() {
    assertThat(Corpora.cacheDirectory(Map.of(), "/home/u"))
        .isEqualTo(Path.of("/home/u/.cache/culebra"));
    assertThat(Corpora.cacheDirectory(Map.of("XDG_CACHE_HOME", "/big/cache"), "/home/u"))
        .isEqualTo(Path.of("/big/cache/culebra"));
    assertThat(Corpora.cacheDirectory(Map.of("XDG_CACHE_HOME", "relative"), "/home/u"))
        .isEqualTo(Path.of("/home/u/.cache/culebra"));
  }

  private void assertRefused(String data, String message) {
    assertThatThrownBy(() -> corpora.open(data, TokenizerKind.CHAR))
        .isInstanceOf(DataException.class)
        .hasMessage(message);
  }

  private static String decode(Corpus corpus, Split split) {
    Tokens tokens = corpus.tokens(split);
    int[] all = new int[Math.toIntExact(tokens.size())];
    tokens.copy(0, all.length, all, 0);
    return corpus.tokenizer().decode(all);
  }
}
