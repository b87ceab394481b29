package dev.culebra.text;

import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/**
 * Turns text into tokens, the integers in [0, {@link #vocab()}) that a model reads and predicts,
 * and back. Immutable and thread-safe; its encoders and decoders are not.
 *
 * <p>Decoding the tokens of a text gives the text. {@code equals} says whether two tokenizers give
 * every text the same tokens. {@link #name} and {@link #identity} decide this. A run stores both,
 * and resumes only with a tokenizer for which both are unchanged.
 */
public interface Tokenizer {
  /** Its name in files and messages, one word: {@code char}, {@code gpt2}. */
  String name();

  /**
   * Everything that distinguishes it from others with the same name, such as its vocabulary; empty
   * if there are none.
   */
  default String identity() {
    return "";
  }

  /** The number of tokens. */
  int vocab();

  /**
   * A new encoder for one text that comes in pieces, so that it never needs to be in memory
   * completely.
   */
  TokenEncoder encoder();

  /** The token that separates documents and ends a model's output, if there is one. */
  default OptionalInt endOfText() {
    return OptionalInt.empty();
  }

  /**
   * Like {@link #encoder}, but the text of a special token, such as {@code <|endoftext|>}, becomes
   * that token.
   */
  default TokenEncoder specialEncoder() {
    return encoder();
  }

  /** Whether {@link #specialEncoder} may give other tokens than {@link #encoder}. */
  default boolean hasSpecialTokens() {
    return endOfText().isPresent();
  }

  /**
   * The UTF-8 bytes of a token, which may end within a character; none for a gap in the vocabulary.
   *
   * @throws IllegalArgumentException if it is outside the vocabulary
   */
  default byte[] bytes(int token) {
    return decode(token).getBytes(StandardCharsets.UTF_8);
  }

  /** The single token, special or not, that is written as {@code content}; empty if none is. */
  default OptionalInt special(String content) {
    try {
      TokenEncoder encoder = specialEncoder();
      int[] tokens = IntArrays.concat(encoder.accept(content), encoder.finish());
      return tokens.length == 1 ? OptionalInt.of(tokens[0]) : OptionalInt.empty();
    } catch (UnknownCharacterException e) {
      return OptionalInt.empty();
    }
  }

  /** A new decoder for one sequence of tokens that comes token by token. */
  TokenDecoder decoder();

  /** The context at the start of a text: the tokens of a line end, or token 0 if it has none. */
  default int[] start() {
    try {
      return encode("\n");
    } catch (UnknownCharacterException e) {
      return new int[] {0};
    }
  }

  /**
   * The tokens of {@code text}.
   *
   * @throws UnknownCharacterException if a character of the text has no token
   */
  default int[] encode(String text) {
    TokenEncoder encoder = encoder();
    return IntArrays.concat(encoder.accept(text), encoder.finish());
  }

  /**
   * The text of {@code tokens}; bytes that are not UTF-8 become U+FFFD.
   *
   * @throws IllegalArgumentException if a token is outside the vocabulary
   */
  default String decode(int... tokens) {
    TokenDecoder decoder = decoder();
    StringBuilder text = new StringBuilder();
    for (int token : tokens) {
      text.append(decoder.accept(token));
    }
    return text.append(decoder.finish()).toString();
  }
}
