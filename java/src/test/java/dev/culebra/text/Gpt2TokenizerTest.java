package dev.culebra.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import com.knuddels.jtokkit.api.IntArrayList;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Gpt2TokenizerTest {
  /** jtokkit on the whole text at once. */
  private static final Encoding JUDGE =
      Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);

  private final Gpt2Tokenizer tokenizer = new Gpt2Tokenizer();

  @Test
  void knownTokens() {
    assertThat(tokenizer.vocab()).isEqualTo(50257);
    assertThat(tokenizer.encode("hello world")).containsExactly(31373, 995);
    assertThat(tokenizer.encode("Hello, I'm a language model,"))
        .containsExactly(15496, 11, 314, 1101, 257, 3303, 2746, 11);
    assertThat(tokenizer.encode("\n\n")).containsExactly(628);
    assertThat(tokenizer.encode("")).isEmpty();
  }

  @Test
  void theSpecialTokenIsOrdinaryText() {
    int[] tokens = tokenizer.encode("<|endoftext|>");
    assertThat(tokens).hasSizeGreaterThan(1).doesNotContain(Gpt2Tokenizer.END_OF_TEXT);
    assertThat(tokenizer.decode(tokens)).isEqualTo("<|endoftext|>");
    assertThat(tokenizer.decode(Gpt2Tokenizer.END_OF_TEXT)).isEqualTo("<|endoftext|>");
  }

  @ParameterizedTest
  @ValueSource(strings = {"naïve café", "🐍 👩‍👩‍👧", "한국어 日本語", "a  b\r\n\tc   ", "\u0000\uFEFF"})
  void everyTextSurvivesTheRoundTrip(String text) {
    assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
  }

  @Test
  void aCharacterIsShownWithItsLastToken() {
    int[] tokens = tokenizer.encode("🐍!");
    assertThat(tokens).hasSizeGreaterThan(2);
    TokenDecoder decoder = tokenizer.decoder();
    for (int i = 0; i < tokens.length - 2; i++) {
      assertThat(decoder.accept(tokens[i])).isEmpty();
    }
    assertThat(decoder.accept(tokens[tokens.length - 2])).isEqualTo("🐍");
    assertThat(decoder.accept(tokens[tokens.length - 1])).isEqualTo("!");
    assertThat(decoder.finish()).isEmpty();
  }

  @Test
  void anUnfinishedCharacterBecomesAReplacementCharacter() {
    TokenDecoder decoder = tokenizer.decoder();
    assertThat(decoder.accept(tokenizer.encode("🐍")[0])).isEmpty();
    assertThat(decoder.finish()).isEqualTo("\uFFFD");
    assertThat(decoder.accept(tokenizer.encode("hello")[0])).isEqualTo("hello");
  }

  @Test
  void arbitraryTokensDecodeLikeTheirBytes() {
    Random random = new Random(1);
    for (int round = 0; round < 200; round++) {
      // Low tokens are single bytes: most of these sequences are not UTF-8.
      int[] tokens = IntStream.range(0, 40).map(_ -> random.nextInt(256)).toArray();
      IntArrayList list = new IntArrayList();
      IntStream.of(tokens).forEach(list::add);
      assertThat(tokenizer.decode(tokens))
          .isEqualTo(new String(JUDGE.decodeBytes(list), StandardCharsets.UTF_8));
    }
  }

  /**
   * Every way of cutting a text into two pieces gives the tokens of the whole, by jtokkit itself.
   */
  @Test
  void piecesGiveTheTokensOfTheWhole() {
    String[] atoms = {
      " ", "  ", "\n", "\n\n", "\r\n", "\t", "\u00A0", "\u3000", "a", "word", "é", "日", "7", "'s",
      "'", "--", "!", "🐍", "\u0301", "\u0000"
    };
    Random random = new Random(2);
    for (int round = 0; round < 300; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < 30; i++) {
        text.append(atoms[random.nextInt(atoms.length)]);
      }
      int cut = text.offsetByCodePoints(0, random.nextInt(text.codePointCount(0, text.length())));
      TokenEncoder encoder = tokenizer.encoder();
      IntStream pieces =
          IntStream.concat(
              IntStream.of(encoder.accept(text.substring(0, cut))),
              IntStream.concat(
                  IntStream.of(encoder.accept(text.substring(cut))),
                  IntStream.of(encoder.finish())));
      assertThat(pieces.toArray())
          .as("%s cut at %d", text, cut)
          .containsExactly(JUDGE.encodeOrdinary(text.toString()).toArray());
    }
  }

  @Test
  void encodesOnlyWhatIsCertain() {
    TokenEncoder encoder = tokenizer.encoder();
    assertThat(encoder.accept("hello wor")).containsExactly(31373);
    assertThat(encoder.accept("ld")).isEmpty();
    assertThat(encoder.finish()).containsExactly(995);
  }

  @Test
  void longTextsAreEncodedInPieces() {
    String words = "It was the best of times,\n\n it was   the worst of times.\n".repeat(1300);
    String unbroken = "0123456789".repeat(7_000);
    String text = words + unbroken + words;
    assertThat(tokenizer.encode(text)).containsExactly(JUDGE.encodeOrdinary(text).toArray());
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 50257})
  void aTokenOutsideTheVocabularyIsRejected(int token) {
    assertThatThrownBy(() -> tokenizer.decode(token))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("token %d is outside the vocabulary of 50257", token);
  }
}
