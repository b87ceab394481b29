package dev.culebra.examples.cli;

import java.io.PrintStream;

/**
 * Prints text so that lines on a terminal break between words. Other output gets the text
 * unchanged.
 */
final class WordWrap {
  private static final int TAB = 8;

  private final PrintStream out;
  private final int columns;

  /** White space held back until the next word is known to fit. */
  private final StringBuilder gap = new StringBuilder();

  private final StringBuilder word = new StringBuilder();
  private int column;

  /** For lines of at most {@code columns} characters; 0 for no wrapping. */
  WordWrap(PrintStream out, int columns) {
    this.out = out;
    this.columns = columns;
  }

  /** For standard output. */
  static WordWrap ofOutput() {
    return new WordWrap(System.out, Terminal.columnsOfOutput());
  }

  /** Prints a part of a text; its last word may appear only with the next part. */
  WordWrap print(String text) {
    if (columns == 0) {
      out.print(text);
    } else {
      text.codePoints().forEach(this::print);
    }
    out.flush();
    return this;
  }

  private void print(int character) {
    if (!Character.isWhitespace(character)) {
      word.appendCodePoint(character);
      return;
    }
    printWord();
    if (character == '\n') {
      out.print(gap.append('\n'));
      gap.setLength(0);
      column = 0;
    } else {
      gap.appendCodePoint(character);
    }
  }

  private void printWord() {
    if (word.isEmpty()) {
      return;
    }
    int after = column + width(gap) + width(word);
    if (after > columns && column > 0) {
      out.print('\n');
      column = width(word);
    } else {
      out.print(gap);
      column = after;
    }
    out.print(word);
    column = column > columns ? (column - 1) % columns + 1 : column; // the terminal broke it
    gap.setLength(0);
    word.setLength(0);
  }

  private static int width(CharSequence text) {
    return text.codePoints().map(WordWrap::width).sum();
  }

  private static int width(int character) {
    return switch (Character.getType(character)) {
      case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK -> 0;
      default -> character == '\t' ? TAB : 1;
    };
  }

  /** Prints the held-back text and a line end. */
  void finish() {
    if (columns > 0) {
      printWord();
      out.print(gap);
    }
    out.println();
  }
}
