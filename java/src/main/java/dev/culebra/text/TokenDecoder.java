package dev.culebra.text;

/**
 * Decodes one sequence token by token, for text that is shown while it is generated. A character
 * whose bytes are spread over several tokens comes out whole, with the last of them. Not
 * thread-safe.
 */
public interface TokenDecoder {
  /**
   * The text that is certain now that {@code token} is known, perhaps empty.
   *
   * @throws IllegalArgumentException if the token is outside the vocabulary
   */
  String accept(int token);

  /** What remains: U+FFFD for the bytes of an unfinished character, else nothing. */
  String finish();
}
