package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.TokenDecoder;
import dev.culebra.text.TokenEncoder;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerFileTest {
  @TempDir Path directory;
  private Path file;

  @BeforeEach
  void name() {
    file = directory.resolve(TokenizerFile.NAME);
  }

  @Test
  void charactersSurviveTheRoundTrip() throws IOException {
    CharTokenizer tokenizer = CharTokenizer.of("a \"b\"\\\n\t\u0000é日🐍\u2028");
    TokenizerFile.save(tokenizer, file);
    assertThat(TokenizerFile.load(file)).isEqualTo(tokenizer);
  }

  @Test
  void isReadable() throws IOException {
    TokenizerFile.save(CharTokenizer.of("\né🐍"), file);
    assertThat(file)
        .hasContent(
            """
            {
              "tokenizer" : "char",
              "vocabulary" : [ "\\n", "é", "🐍" ]
            }
            """);
  }

  @Test
  void theOrderOfTheVocabularyIsKept() throws IOException {
    Files.writeString(file, "{\"tokenizer\": \"char\", \"vocabulary\": [\"b\", \"a\"]}");
    assertThat(TokenizerFile.load(file).encode("ab")).containsExactly(1, 0);
  }

  /** A tokenizer of a program's own, on whose words everything depends. */
  private record Words(String identity) implements Tokenizer {
    @Override
    public String name() {
      return "words";
    }

    @Override
    public int vocab() {
      return 2;
    }

    @Override
    public TokenEncoder encoder() {
      throw new UnsupportedOperationException();
    }

    @Override
    public TokenDecoder decoder() {
      throw new UnsupportedOperationException();
    }
  }

  @Test
  void nameAndIdentityOfAUserDefinedTokenizerAreKept() throws IOException {
    TokenizerFile.save(new Words("yes no"), file);
    assertThat(file)
        .hasContent("{\n  \"tokenizer\" : \"words\",\n  \"identity\" : \"yes no\"\n}\n");
    assertThat(TokenizerFile.digest(new Words("yes no")))
        .isEqualTo(TokenizerFile.digest(new Words("yes no")))
        .isNotEqualTo(TokenizerFile.digest(new Words("no yes")));
    assertThatThrownBy(() -> TokenizerFile.load(file))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "%s names tokenizer \"words\", which only the program that defined it can open", file);
  }

  @Test
  void gpt2IsStoredByName() throws IOException {
    TokenizerFile.save(new Gpt2Tokenizer(), file);
    assertThat(file).hasContent("{\n  \"tokenizer\" : \"gpt2\"\n}\n");
    assertThat(TokenizerFile.load(file)).isEqualTo(new Gpt2Tokenizer());
  }

  @Test
  void aMissingFileIsReportedInOneLine() {
    assertThatThrownBy(() -> TokenizerFile.load(file))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot read %s: no such file or directory: %s", file, file);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "`` | expected a JSON object",
        "[] | expected a JSON object",
        "null | expected a JSON object",
        "{} | its field \"tokenizer\" must be \"char\" or \"gpt2\"",
        "{\"tokenizer\": 3} | its field \"tokenizer\" must be \"char\" or \"gpt2\"",
        "{\"tokenizer\": \"char\"} | its field \"vocabulary\" must be a list of characters",
        "{\"tokenizer\": \"char\", \"vocabulary\": \"ab\"} | its field \"vocabulary\" must be a list of characters",
        "{\"tokenizer\": \"char\", \"vocabulary\": []} | a vocabulary needs at least one character",
        "{\"tokenizer\": \"char\", \"vocabulary\": [\"a\", \"bc\"]} | entry 1 of its vocabulary is not one character",
        "{\"tokenizer\": \"char\", \"vocabulary\": [\"\"]} | entry 0 of its vocabulary is not one character",
        "{\"tokenizer\": \"char\", \"vocabulary\": [7]} | entry 0 of its vocabulary is not one character",
        "{\"tokenizer\": \"char\", \"vocabulary\": [\"a\", \"a\"]} | character U+0061 occurs twice in the vocabulary",
        "{\"tokenizer\": \"char\", \"vocabulary\": [\"\\ud83d\"]} | an unpaired surrogate is not a character: U+D83D",
        "{\"tokenizer\": \"gpt2\", \"tokenizer\": \"char\"} | Duplicate field 'tokenizer' in line 1",
      })
  void wrongContentIsReportedInOneLine(String content, String fault) throws IOException {
    Files.writeString(file, content);
    assertThatThrownBy(() -> TokenizerFile.load(file))
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessage("%s is not a tokenizer: %s", file, fault);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{\"tokenizer\": \"ch", "{\"tokenizer\": \"gpt2\"} x", "\u0001\u0002", "<html>"})
  void invalidJsonIsReportedInOneLine(String content) throws IOException {
    Files.writeString(file, content);
    assertThatThrownBy(() -> TokenizerFile.load(file))
        .isInstanceOf(TokenizerFormatException.class)
        .hasMessageStartingWith(file + " is not a tokenizer: ")
        .message()
        .hasLineCount(1);
  }
}
