package dev.culebra.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.culebra.text.TokenDecoder;
import dev.culebra.text.Tokenizer;
import java.util.OptionalInt;

/** Counts the UTF-8 bytes of the text that tokens represent; end-of-text tokens have none. */
final class TextBytes {
  private TextBytes() {}

  /** Those of the tokens from {@code from} to before {@code end}. */
  static long of(Tokens tokens, long from, long end, Tokenizer tokenizer) {
    TokenDecoder decoder = tokenizer.decoder();
    OptionalInt endOfText = tokenizer.endOfText();
    long bytes = 0;
    for (long i = from; i < end; i++) {
      int token = tokens.token(i);
      if (endOfText.isEmpty() || endOfText.getAsInt() != token) {
        bytes += decoder.accept(token).getBytes(UTF_8).length;
      }
    }
    return bytes + decoder.finish().getBytes(UTF_8).length;
  }

  /** Those of all {@code tokens}. */
  static long of(int[] tokens, Tokenizer tokenizer) {
    try (Tokens all = Tokens.of("answer", tokenizer.vocab(), tokens)) {
      return of(all, 0, all.size(), tokenizer);
    }
  }
}
