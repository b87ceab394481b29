package dev.culebra.text;

/** A character of a text is not in the vocabulary. The message is one line for the user. */
public final class UnknownCharacterException extends IllegalArgumentException {
  private final int codePoint;
  private final long position;

  /**
   * @param codePoint the character
   * @param position in characters from the start of the text; the first is 1
   * @param vocab of the tokenizer
   */
  public UnknownCharacterException(int codePoint, long position, int vocab) {
    super(
        "character %d of the text, %s, is not in the vocabulary of %d characters"
            .formatted(position, describe(codePoint), vocab));
    this.codePoint = codePoint;
    this.position = position;
  }

  /** The character. */
  public int codePoint() {
    return codePoint;
  }

  /** Its position in characters (code points) from the start of the text; the first is 1. */
  public long position() {
    return position;
  }

  /** {@code 'é' (U+00E9)}; only the number for characters that would not print on one line. */
  private static String describe(int codePoint) {
    String number = "U+%04X".formatted(codePoint);
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.NON_SPACING_MARK ->
          number;
      default -> "'%s' (%s)".formatted(Character.toString(codePoint), number);
    };
  }
}
