package dev.culebra.examples.report;

/** Escapes untrusted text for a page: it is shown and never executed. */
final class Html {
  private static final int CONTROL_PICTURES = 0x2400;

  private Html() {}

  /** For element content and for attribute values in double quotes. */
  static String escape(String text) {
    StringBuilder escaped = new StringBuilder(text.length() + 16);
    text.replace("\r\n", "\n").codePoints().forEach(character -> append(escaped, character));
    return escaped.toString();
  }

  private static void append(StringBuilder escaped, int character) {
    switch (character) {
      case '&' -> escaped.append("&amp;");
      case '<' -> escaped.append("&lt;");
      case '>' -> escaped.append("&gt;");
      case '"' -> escaped.append("&quot;");
      case '\'' -> escaped.append("&#39;");
      case '\n', '\t' -> escaped.append((char) character);
      default -> escaped.appendCodePoint(visible(character));
    }
  }

  /** Replaces what a page cannot contain: most control characters and unpaired surrogates. */
  private static int visible(int character) {
    if (character < ' ') {
      return CONTROL_PICTURES + character;
    }
    boolean half = character >= Character.MIN_SURROGATE && character <= Character.MAX_SURROGATE;
    return half || Character.isISOControl(character) ? 0xFFFD : character;
  }

  /**
   * JSON for the content of a script element: it can neither end the element nor start a comment.
   */
  static String scriptJson(String json) {
    return json.replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("&", "\\u0026")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029");
  }
}
