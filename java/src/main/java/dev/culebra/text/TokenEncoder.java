package dev.culebra.text;

/**
 * Encodes one text that comes in pieces: the tokens of all pieces, in order, are those of the whole
 * text. A piece must not end inside a surrogate pair. Not thread-safe.
 */
public interface TokenEncoder {
  /**
   * The tokens that are final after {@code piece}; may be none.
   *
   * @throws UnknownCharacterException if a character has no token; its position counts from the
   *     start of the first piece
   */
  int[] accept(String piece);

  /** The tokens of the text held back; the text ends here. */
  int[] finish();
}
