package dev.culebra.text;

/**
 * Decodes one sequence token by token, to show text while it is generated. A character whose bytes
 * span several tokens is returned with the last of them. Not thread-safe.
 */
public interface TokenDecoder {
  /**
   * The text that is complete after {@code token}; may be empty.
   *
   * @throws IllegalArgumentException if the token is outside the vocabulary
   */
  String accept(int token);

  /** The rest: U+FFFD for the bytes of an incomplete character, otherwise nothing. */
  String finish();
}
