package dev.culebra.text;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** The built-in tokenizers. */
public enum TokenizerKind {
  /** {@link CharTokenizer}: a token for each character of the text. */
  CHAR,
  /** {@link Gpt2Tokenizer}: GPT-2's byte pairs. */
  GPT2,
  /** {@link BpeTokenizer}: byte pairs with their own vocabulary. */
  BPE;

  /** The name on the command line and in files: {@code char}, {@code gpt2}, {@code bpe}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The kind whose {@link #label} is the tokenizer's name; empty for a user-defined tokenizer. */
  public static Optional<TokenizerKind> of(Tokenizer tokenizer) {
    return Arrays.stream(values())
        .filter(kind -> kind.label().equals(tokenizer.name()))
        .findFirst();
  }

  @Override
  public String toString() {
    return label();
  }
}
