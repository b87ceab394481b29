package dev.culebra.train;

/** How the text of a run becomes tokens. */
public enum TokenizerKind {
  /** One token a character; the vocabulary is the training text's. */
  CHAR,
  /** The byte-pair encoding of GPT-2, 50,257 tokens. */
  GPT2;

  /** The name on the command line: {@code gpt2}. */
  @Override
  public String toString() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }
}
