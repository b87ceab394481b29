package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.text.BpeTokenizer;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerFolderTest {
  @TempDir Path directory;

  private static BpeTokenizer fixture(String name) throws IOException {
    return (BpeTokenizer) TokenizerFolder.open(HuggingFaceTokenizerTest.folder(name));
  }

  @Test
  void aFolderOrItsFile() throws IOException {
    Path folder = HuggingFaceTokenizerTest.folder("gpt2");
    assertThat(TokenizerFolder.exists(folder)).isTrue();
    assertThat(TokenizerFolder.open(folder.resolve("tokenizer.json"))).isEqualTo(fixture("gpt2"));
  }

  @Test
  void aRunsTokenizer() throws IOException {
    Tokenizer characters = CharTokenizer.of("abc");
    TokenizerFile.save(characters, directory.resolve(TokenizerFile.NAME));
    assertThat(TokenizerFolder.open(directory)).isEqualTo(characters);
  }

  @Test
  void savedTokenizersSurviveTheRoundTripInBothFormats() throws IOException {
    Path folder = directory.resolve("a/b");
    TokenizerFolder.save(fixture("gpt2"), folder);
    assertThat(TokenizerFolder.open(folder)).isEqualTo(fixture("gpt2"));
    assertThat(folder.resolve("merges.txt"))
        .content()
        .startsWith("#version: 0.2\nĠ t\nh e\no u\n")
        .hasLineCount(256);
    Files.delete(folder.resolve("tokenizer.json"));
    assertThat(TokenizerFolder.open(folder)).isEqualTo(fixture("gpt2"));
  }

  @Test
  void aMergeMayStartLikeAComment() throws IOException {
    Path folder = directory;
    TokenizerFolder.save(fixture("gpt2"), folder);
    Files.delete(folder.resolve("tokenizer.json"));
    String vocabulary = Files.readString(folder.resolve("vocab.json"));
    Files.writeString(
        folder.resolve("vocab.json"), vocabulary.replaceFirst("\n}", ",\n  \"##\" : 512\n}"));
    Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\n# #\n");
    assertThat(TokenizerFolder.open(folder).encode("##")).containsExactly(512);
  }

  @Test
  void qwensFilesUseQwensRule() throws IOException {
    TokenizerFolder.save(fixture("qwen2"), directory);
    Files.delete(directory.resolve("tokenizer.json"));
    Files.writeString(
        directory.resolve("tokenizer_config.json"),
        """
        {"tokenizer_class": "Qwen2Tokenizer", "added_tokens_decoder": {
          "0": {"content": "<|endoftext|>", "special": true},
          "1": {"content": "<|im_start|>", "special": true},
          "2": {"content": "<|im_end|>", "special": true}}}
        """);
    Tokenizer tokenizer = TokenizerFolder.open(directory);
    String text = "Don't 123 THEY'LL\n\n  go<|im_end|>";
    assertThat(tokenizer.encode(text)).containsExactly(fixture("qwen2").encode(text));
    assertThat(tokenizer.endOfText()).isEqualTo(OptionalInt.of(0));
  }

  @Test
  void theConfigurationNamesAnEndOfTextThatHasAnotherName() throws IOException {
    Path file = directory.resolve("tokenizer.json");
    Path original = HuggingFaceTokenizerTest.folder("gpt2").resolve("tokenizer.json");
    Files.writeString(file, Files.readString(original).replace("<|endoftext|>", "<end>"));
    assertThat(TokenizerFolder.open(directory).endOfText()).isEmpty();
    Files.writeString(
        directory.resolve("tokenizer_config.json"), "{\"eos_token\": {\"content\": \"<end>\"}}");
    Tokenizer tokenizer = TokenizerFolder.open(directory);
    assertThat(tokenizer.endOfText()).isEqualTo(OptionalInt.of(0));
    Path run = directory.resolve("run.json");
    TokenizerFile.save(tokenizer, run);
    assertThat(TokenizerFile.load(run)).isEqualTo(tokenizer);
  }

  @Test
  void aMissingTokenizerIsReportedInOneLine() throws IOException {
    Path gone = directory.resolve("gone");
    assertThat(TokenizerFolder.exists(gone)).isFalse();
    assertThatThrownBy(() -> TokenizerFolder.open(gone))
        .isInstanceOf(DataException.class)
        .hasMessage("no such tokenizer: " + gone);
    Files.writeString(directory.resolve("vocab.json"), "{}");
    assertThat(TokenizerFolder.exists(directory)).isFalse();
    assertThatThrownBy(() -> TokenizerFolder.open(directory))
        .hasMessage(
            "%s holds no tokenizer: neither tokenizer.json nor vocab.json with merges.txt",
            directory);
    Files.writeString(directory.resolve("merges.txt"), "a b\n");
    assertThatThrownBy(() -> TokenizerFolder.open(directory))
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessage(
            "%s is not a tokenizer: merge 0, of \"a\" and \"b\", is of tokens that its vocabulary"
                + " lacks",
            directory.resolve("merges.txt"));
  }
}
