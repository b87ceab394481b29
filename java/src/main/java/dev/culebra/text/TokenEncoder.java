package dev.culebra.text;

/**
 * Encodes one text that comes in pieces: the tokens of all pieces, in order, are those of the whole
 * text. A piece must not end between the two halves of a surrogate pair. Not thread-safe.
 */
public interface TokenEncoder {
  /**
   * The tokens that are certain now that {@code piece} is known, perhaps none.
   *
   * @throws UnknownCharacterException if a character has no token; its position counts from the
   *     beginning of the first piece
   */
  int[] accept(String piece);

  /** The tokens of what was held back; the text ends here. */
  int[] finish();
}
