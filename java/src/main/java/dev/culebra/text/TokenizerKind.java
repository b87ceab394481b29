package dev.culebra.text;

import java.util.Locale;

/** The tokenizers by name. */
public enum TokenizerKind {
  /** {@link CharTokenizer}: a token for each character of the text. */
  CHAR,
  /** {@link Gpt2Tokenizer}: GPT-2's byte pairs. */
  GPT2;

  /** The name on the command line and in files: {@code char}, {@code gpt2}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  @Override
  public String toString() {
    return label();
  }
}
