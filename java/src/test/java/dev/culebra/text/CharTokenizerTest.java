package dev.culebra.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CharTokenizerTest {
  @Test
  void vocabularyIsTheSortedCharactersOfTheText() {
    CharTokenizer tokenizer = CharTokenizer.of("hello\nworld");
    assertThat(tokenizer.vocabulary()).containsExactly('\n', 'd', 'e', 'h', 'l', 'o', 'r', 'w');
    assertThat(tokenizer.vocab()).isEqualTo(8);
    assertThat(tokenizer.encode("hold")).containsExactly(3, 5, 4, 1);
    assertThat(tokenizer.decode(3, 5, 4, 1)).isEqualTo("hold");
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "naïve café", "🐍 culebra 🐍", "한국어\t日本語", "\u0000\uFEFF"})
  void everyTextSurvivesTheRoundTrip(String text) {
    CharTokenizer tokenizer = CharTokenizer.of(text);
    assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
    assertThat(tokenizer.encode(text)).hasSize((int) text.codePoints().count());
  }

  @Test
  void aCharacterOutsideTheBasicPlaneIsOneTokenAndSortsLast() {
    // As UTF-16 units the snake (D83D DC0D) would sort before U+FB01.
    CharTokenizer tokenizer = CharTokenizer.of("🐍ﬁz");
    assertThat(tokenizer.vocabulary()).containsExactly('z', 0xFB01, 0x1F40D);
    assertThat(tokenizer.encode("🐍z")).containsExactly(2, 0);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '"',
      value = {
        "héllo, 2, 00E9, \"'é' (U+00E9)\"",
        "hell🐍, 5, 1F40D, \"'🐍' (U+1F40D)\"",
        "\"hello\thello\", 6, 0009, U+0009",
        "hel\u2028, 4, 2028, U+2028"
      })
  void anUnknownCharacterIsNamed(String text, long position, String codePoint, String named) {
    CharTokenizer tokenizer = CharTokenizer.of("hello");
    UnknownCharacterException e =
        catchThrowableOfType(UnknownCharacterException.class, () -> tokenizer.encode(text));
    assertThat(e.position()).isEqualTo(position);
    assertThat(e.codePoint()).isEqualTo(Integer.parseInt(codePoint, 16));
    assertThat(e)
        .hasMessage(
            "character %d of the text, %s, is not in the vocabulary of 4 characters"
                .formatted(position, named));
  }

  @Test
  void thePositionCountsOverAllPieces() {
    TokenEncoder encoder = CharTokenizer.of("🐍a").encoder();
    encoder.accept("🐍a🐍");
    UnknownCharacterException e =
        catchThrowableOfType(UnknownCharacterException.class, () -> encoder.accept("ab"));
    assertThat(e.position()).isEqualTo(5);
  }

  @Test
  void piecesGiveTheVocabularyAndTokensOfTheWhole() {
    CharTokenizer whole = CharTokenizer.of("to be or not");
    CharTokenizer pieces = new CharTokenizer.Builder().add("to be").add(" or not").build();
    assertThat(pieces).isEqualTo(whole).hasSameHashCodeAs(whole);
    TokenEncoder encoder = pieces.encoder();
    assertThat(encoder.accept("to ")).containsExactly(whole.encode("to "));
    assertThat(encoder.accept("be")).containsExactly(whole.encode("be"));
    assertThat(encoder.finish()).isEmpty();
  }

  @Test
  void tokenizersOfOtherCharactersDiffer() {
    assertThat(CharTokenizer.of("abc")).isNotEqualTo(CharTokenizer.of("abd"));
    assertThat(CharTokenizer.of("abc")).isNotEqualTo(new Gpt2Tokenizer());
  }

  @Test
  void decodesImmediately() {
    TokenDecoder decoder = CharTokenizer.of("ab").decoder();
    assertThat(decoder.accept(1)).isEqualTo("b");
    assertThat(decoder.finish()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 2, Integer.MAX_VALUE})
  void aTokenOutsideTheVocabularyIsRejected(int token) {
    assertThatThrownBy(() -> CharTokenizer.of("ab").decode(token))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("token %d is outside the vocabulary of 2", token);
  }

  @Test
  void invalidVocabulariesAreRejected() {
    assertThatThrownBy(() -> CharTokenizer.of(""))
        .hasMessage("a vocabulary needs at least one character");
    assertThatThrownBy(() -> CharTokenizer.of("a\uD83D"))
        .hasMessage("an unpaired surrogate is not a character: U+D83D");
    assertThatThrownBy(() -> CharTokenizer.ofVocabulary('a', 'b', 'a'))
        .hasMessage("character U+0061 occurs twice in the vocabulary");
    assertThatThrownBy(() -> CharTokenizer.ofVocabulary('a', -5))
        .hasMessage("not a code point: -5");
  }
}
