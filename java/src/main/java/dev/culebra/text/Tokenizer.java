package dev.culebra.text;

/**
 * Turns text into tokens, the integers in [0, {@link #vocab()}) that a model reads and predicts,
 * and back. Two tokenizers are equal if they give every text the same tokens. Immutable and
 * thread-safe; the encoders and decoders it hands out are not.
 */
public sealed interface Tokenizer permits CharTokenizer, Gpt2Tokenizer {
  /** Which of the tokenizers this is. */
  TokenizerKind kind();

  /** Number of different tokens. */
  int vocab();

  /** A new encoder for one text that comes in pieces, so that it need never be in memory whole. */
  TokenEncoder encoder();

  /** A new decoder for one sequence of tokens that comes token by token. */
  TokenDecoder decoder();

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
