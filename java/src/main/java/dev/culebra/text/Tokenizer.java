package dev.culebra.text;

import java.util.OptionalInt;

/**
 * Turns text into tokens, the integers in [0, {@link #vocab()}) that a model reads and predicts,
 * and back. Immutable and thread-safe; the encoders and decoders it hands out are not.
 *
 * <p>Decoding the tokens of a text gives the text. {@code equals} says whether two tokenizers give
 * every text the same tokens; {@link #name} and {@link #identity} decide that, and a run keeps
 * them: it goes on only with a tokenizer in which both are as they were.
 */
public interface Tokenizer {
  /** What it is called in files and messages: {@code char}, {@code gpt2}; one word. */
  String name();

  /** All that tells it from others of its name, such as its vocabulary; empty if there are none. */
  default String identity() {
    return "";
  }

  /** Number of different tokens. */
  int vocab();

  /** A new encoder for one text that comes in pieces, so that it need never be in memory whole. */
  TokenEncoder encoder();

  /** The token that stands between documents and ends what a model writes, if there is one. */
  default OptionalInt endOfText() {
    return OptionalInt.empty();
  }

  /**
   * As {@link #encoder}, but what a special token is written as, such as {@code <|endoftext|>}, is
   * that token and not ordinary text.
   */
  default TokenEncoder specialEncoder() {
    return encoder();
  }

  /** A new decoder for one sequence of tokens that comes token by token. */
  TokenDecoder decoder();

  /** What a text begins after: the tokens of a line's end, or token 0 where that has none. */
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
