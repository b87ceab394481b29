package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Token files as llm.c and modded-nanogpt write them. */
class ShardsTest {
  @TempDir Path directory;
  private Corpora corpora;

  @BeforeEach
  void open() {
    corpora = new Corpora(directory.resolve("cache"));
  }

  private Path write(String name, int magic, int version, int bytes, int... tokens)
      throws IOException {
    ByteBuffer file = ByteBuffer.allocate(TokenFile.HEADER_BYTES + tokens.length * bytes);
    file.order(ByteOrder.LITTLE_ENDIAN).putInt(magic).putInt(version).putInt(tokens.length);
    file.position(TokenFile.HEADER_BYTES);
    for (int token : tokens) {
      if (bytes == Short.BYTES) {
        file.putShort((short) token);
      } else {
        file.putInt(token);
      }
    }
    return Files.write(directory.resolve(name), file.array());
  }

  private Path shard(String name, int... tokens) throws IOException {
    return write(name, TokenFile.MAGIC, 1, Short.BYTES, tokens);
  }

  private Path shardOfLlama(String name, int... tokens) throws IOException {
    return write(name, TokenFile.MAGIC_32, 7, Integer.BYTES, tokens);
  }

  private Corpus corpus(String data) throws IOException {
    return corpora.open(DataSpec.of(data), TokenizerChoice.CHAR);
  }

  private static int[] all(Tokens tokens) {
    int[] all = new int[Math.toIntExact(tokens.size())];
    tokens.copy(0, all.length, all, 0);
    return all;
  }

  private void assertRefused(DataSpec data, String message, Object... named) {
    assertThatThrownBy(() -> corpora.dataset(data, TokenizerChoice.CHAR))
        .isInstanceOf(DataException.class)
        .hasMessage(message, named);
  }

  @Test
  void theShardsOfAFolderAreReadInTheirOrder() throws IOException {
    shard("fineweb_train_000002.bin", 4, 5);
    shard("fineweb_train_000001.bin", 1, 2, 3);
    shard("fineweb_val_000000.bin", 6, 7);
    Files.writeString(directory.resolve("readme.txt"), "not read");
    try (Corpus corpus = corpus(directory.toString())) {
      assertThat(all(corpus.train())).containsExactly(1, 2, 3, 4, 5);
      assertThat(all(corpus.validation())).containsExactly(6, 7);
      assertThat(corpus.tokenizer()).isEqualTo(new Gpt2Tokenizer());
      assertThat(corpus.describe())
          .isEqualTo(
              directory
                  + ": 3 files, 5 training tokens, 2 validation tokens (1 file), a vocabulary of"
                  + " 50,257");
      int[] across = new int[3];
      corpus.train().copy(1, 3, across, 0);
      assertThat(across).containsExactly(2, 3, 4);
      assertThat(corpus.train().token(3)).isEqualTo(4);
      assertThat(all(corpus.train().slice("middle", 2, 4))).containsExactly(3, 4);
      assertThatThrownBy(() -> corpus.train().token(5))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
    try (Corpus corpus = corpus(directory + "/fineweb_*_00000[02].bin")) {
      assertThat(all(corpus.train())).containsExactly(4, 5);
      assertThat(all(corpus.validation())).containsExactly(6, 7);
    }
  }

  @Test
  void shardsOfLlamaNeedTheirTokenizer() throws IOException {
    Path train = shardOfLlama("x_train.bin", 1, 70_000);
    shardOfLlama("x_val.bin", 2);
    assertRefused(
        DataSpec.of(directory.toString()),
        "%s holds tokens of Llama 3: put its tokenizer.json beside it, or name the folder of its"
            + " tokenizer",
        train);
    int[] characters = IntStream.range(0x10000, 0x10000 + 70_001).toArray();
    Tokenizer many = CharTokenizer.ofVocabulary(characters);
    TokenizerFile.save(many, directory.resolve("tokenizer.json"));
    try (Corpus corpus = corpus(directory.toString())) {
      assertThat(all(corpus.train())).containsExactly(1, 70_000);
    }
  }

  @Test
  void aChosenBytePairTokenizerIsUsedIfNoneIsBesideTheFiles() throws IOException {
    Path file = shard("x.bin", IntStream.range(0, 100).toArray());
    TokenizerChoice pairs =
        TokenizerChoice.parse(HuggingFaceTokenizerTest.folder("qwen2").toString());
    Tokenizer tokenizer = pairs.open().orElseThrow();
    try (Corpus corpus = corpora.open(DataSpec.of(file.toString()), pairs)) {
      assertThat(corpus.tokenizer()).isEqualTo(tokenizer);
    }
    try (Corpus corpus = corpora.open(file.toString(), tokenizer)) {
      assertThat(corpus.tokenizer()).isEqualTo(tokenizer);
    }
  }

  @Test
  void preparedTokensOfALargeVocabularyComeBack() throws IOException {
    String text = new String(IntStream.range(0x10000, 0x10000 + 70_000).toArray(), 0, 70_000);
    Path out = directory.resolve("out");
    DataPreparation.prepare(
        TextSource.of("text", text), CharTokenizer.of(text), Holdout.DEFAULT, false, out);
    assertThat(out.resolve("train.bin")).hasSize(63_000 * Integer.BYTES);
    try (Corpus corpus = corpus(out.toString())) {
      assertThat(corpus.validation().token(6_999)).isEqualTo(69_999);
    }
  }

  @Test
  void validationOfFilesWhoseNamesDoNotSayIsTheEndOfEach() throws IOException {
    shard("a.bin", IntStream.range(0, 10).toArray());
    shard("b.bin", IntStream.range(100, 120).toArray());
    try (Corpus corpus = corpus(directory + "/?.bin")) {
      assertThat(all(corpus.validation())).containsExactly(9, 118, 119);
      assertThat(corpus.train().size()).isEqualTo(27);
      assertThat(corpus.describe()).contains("2 files", "(the last 10 % of every file)");
    }
    Holdout end = new Holdout(Holdout.Rule.END, 0.1f, "");
    try (Corpus corpus =
        corpora.open(DataSpec.of(directory + "/?.bin").with(end), TokenizerChoice.CHAR)) {
      assertThat(all(corpus.validation())).containsExactly(117, 118, 119);
    }
    Holdout documents = new Holdout(Holdout.Rule.DOCUMENTS, 0.1f, "");
    assertRefused(
        DataSpec.of(directory + "/?.bin").with(documents),
        "%s/?.bin holds tokens, which do not say where documents end: none can be held out whole",
        directory);
  }

  @Test
  void otherDataCanBeForValidation() throws IOException {
    shard("x_train_0.bin", 1, 2, 3);
    Path other = Files.createDirectory(directory.resolve("other"));
    shard("other/y_train_0.bin", 8);
    shard("other/y_val_0.bin", 9, 10);
    for (String validation :
        new String[] {other.toString(), other + "/*_val_*.bin", other + "/y_val_0.bin"}) {
      Holdout holdout = new Holdout(Holdout.Rule.FILES, 0.1f, validation);
      DataSpec data = DataSpec.of(directory.toString()).with(holdout);
      try (Corpus corpus = corpora.open(data, TokenizerChoice.CHAR)) {
        assertThat(all(corpus.train())).containsExactly(1, 2, 3);
        assertThat(all(corpus.validation())).containsExactly(9, 10);
        assertThat(corpus.validationPart()).isEqualTo(validation);
      }
    }
  }

  @Test
  void whatIsMissingOrDoesNotFitIsReportedInOneLine() throws IOException {
    assertRefused(
        DataSpec.of(directory + "/*_train_*.bin"), "no file matches %s/*_train_*.bin", directory);
    assertRefused(
        DataSpec.of(directory + "/[.bin"),
        "%s/[.bin is not a valid pattern: Missing ']",
        directory);
    Path train = shard("x_train_0.bin", 1, 2);
    assertRefused(
        DataSpec.of(directory.toString()),
        "%s holds only token files for training (x_train_0.bin): one for validation is missing,"
            + " such as x_val_000000.bin",
        directory);
    assertRefused(
        DataSpec.of(directory + "/*.bin"),
        "%s/*.bin holds only token files for training (x_train_0.bin): one for validation is"
            + " missing, such as x_val_000000.bin",
        directory);
    Path other = shardOfLlama("x_train_1.bin", 1, 2);
    shard("x_val_0.bin", 1);
    assertRefused(
        DataSpec.of(directory.toString()),
        "%s holds 32-bit tokens, but %s holds 16-bit ones: they cannot be read as one",
        other,
        train);
    Path empty = shard("x_train_1.bin");
    assertRefused(DataSpec.of(directory.toString()), "%s holds no tokens", empty);
    Files.writeString(directory.resolve("x.txt"), "text");
    assertRefused(
        DataSpec.of(directory + "/x*"),
        "%s/x* matches token files and other files: name one kind of them",
        directory);
    shard("x_train_1.bin", 1, 2);
    assertRefused(
        DataSpec.of(directory.toString()).with(new Holdout(Holdout.Rule.FILES, 0.2f, "")),
        "%s has a validation part of its own: no other can be chosen for it",
        directory);
  }
}
