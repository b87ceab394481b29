package dev.culebra.data;

/** What data is made of. */
enum DataKind {
  /** {@link Conversations}. */
  CONVERSATIONS("a .jsonl of conversations"),
  /** {@link PromptPairs}. */
  PAIRS("a .jsonl of prompts"),
  /** A {@link Corpus}. */
  TOKENS("texts or tokens");

  private final String description;

  DataKind(String description) {
    this.description = description;
  }

  /** For messages. */
  @Override
  public String toString() {
    return description;
  }
}
