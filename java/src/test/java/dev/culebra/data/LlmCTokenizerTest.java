package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.text.BpeTokenizer;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LlmCTokenizerTest {
  @TempDir Path directory;

  private Tokenizer throughAFile(Tokenizer tokenizer) throws IOException {
    Path file = directory.resolve(LlmCTokenizer.NAME);
    LlmCTokenizer.save(tokenizer, file);
    return LlmCTokenizer.read(file);
  }

  @Test
  void theMergesOfAnyByteLevelBpeFollowFromTheOrderOfItsTokens() throws IOException {
    Tokenizer trained = TokenizerFolder.open(HuggingFaceTokenizerTest.folder("gpt2"));
    assertThat(throughAFile(trained)).isEqualTo(trained);
  }

  @Test
  void gpt2sTokenizerIsRecognised() throws IOException {
    Path file = directory.resolve(LlmCTokenizer.NAME);
    LlmCTokenizer.save(new Gpt2Tokenizer(), file);
    byte[] bytes = Files.readAllBytes(file);
    // As llm.c's train_gpt2.py writes them: magic, version, 50,257 tokens, the last ends a text.
    assertThat(bytes)
        .startsWith(0xC8, 0xD7, 0x34, 0x01, 2, 0, 0, 0, 0x51, 0xC4, 0, 0, 0x50, 0xC4, 0, 0);
    assertThat(Arrays.copyOfRange(bytes, 1024, 1028)).containsExactly(1, '!', 1, '"');
    assertThat(LlmCTokenizer.read(file)).isEqualTo(new Gpt2Tokenizer());
  }

  @Test
  void gpt2WrittenOutGivesTheSameTokens() {
    Gpt2Tokenizer gpt2 = new Gpt2Tokenizer();
    BpeTokenizer written = gpt2.writtenOut();
    assertThat(written.parts().merges()).hasSize(50_000);
    String text = "The old man's 1,234 naïve\n\n  cafés — 東京 <|endoftext|>\t!";
    assertThat(written.encode(text)).containsExactly(gpt2.encode(text));
    assertThat(written.decode(written.encode(text))).isEqualTo(text);
    assertThat(written.special("<|endoftext|>")).hasValue(Gpt2Tokenizer.END_OF_TEXT);
    assertThat(gpt2.special("<|endoftext|>")).hasValue(Gpt2Tokenizer.END_OF_TEXT);
  }

  @Test
  void charactersStayCharacters() throws IOException {
    CharTokenizer characters = CharTokenizer.of("zebra é 東");
    assertThat(throughAFile(characters)).isEqualTo(characters);
  }

  @Test
  void damagedFilesAreReportedInOneLine() throws IOException {
    Path file = directory.resolve(LlmCTokenizer.NAME);
    LlmCTokenizer.save(CharTokenizer.of("abc"), file);
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
    assertThatThrownBy(() -> LlmCTokenizer.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("it is cut off or damaged");
    bytes[4] = 3;
    Files.write(file, bytes);
    assertThatThrownBy(() -> LlmCTokenizer.read(file))
        .hasMessageContaining("it has version 3; only 1 and 2 can be read");
    Files.writeString(file, "something else");
    assertThatThrownBy(() -> LlmCTokenizer.read(file))
        .hasMessageContaining("it is not a tokenizer file of llm.c");
  }
}
