package dev.culebra.text;

import java.util.Arrays;

/**
 * Splits a text that comes in pieces into the words of a {@link PreTokenizer}, and holds back words
 * that later text may change. Not thread-safe.
 */
final class WordSplitter {
  private static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

  /** Receives a word: the characters of {@code text} from {@code from} to before {@code end}. */
  @FunctionalInterface
  interface Sink {
    void accept(char[] text, int from, int end);
  }

  private final PreTokenizer preTokenizer;
  private char[] pending = new char[1 << 10];
  private int count;

  /**
   * The length of pending text needed for the next scan, so that a long word is not rescanned each
   * time.
   */
  private int retryAt;

  WordSplitter(PreTokenizer preTokenizer) {
    this.preTokenizer = preTokenizer;
  }

  /** The number of characters held back. */
  int pending() {
    return count;
  }

  void append(String piece) {
    int length = Math.addExact(count, piece.length());
    if (length > pending.length) {
      pending = Arrays.copyOf(pending, Math.max(length, (int) Math.min(2L * count, MAX_ARRAY)));
    }
    piece.getChars(0, piece.length(), pending, count);
    count = length;
  }

  /** Passes on the words that are final, or all of them if the text ends here. */
  void split(boolean last, Sink sink) {
    if (!last && count < retryAt) {
      return;
    }
    int from = 0;
    while (from < count) {
      int end = preTokenizer.end(pending, from, count, last);
      if (end == PreTokenizer.UNDECIDED) {
        break;
      }
      sink.accept(pending, from, end);
      from = end;
    }
    count -= from;
    System.arraycopy(pending, from, pending, 0, count);
    retryAt = from == 0 ? 2 * count : 0;
  }
}
