package dev.culebra.data;

import java.io.IOException;
import java.util.BitSet;

/**
 * Counts of a text.
 *
 * @param characters Unicode code points
 * @param distinct number of different characters: the vocabulary of a character tokenizer
 * @param words runs of characters that are not white space
 * @param lines line ends, plus one for a last line without one
 */
public record TextFacts(long characters, int distinct, long words, long lines) {
  /**
   * Reads the text once and counts.
   *
   * @throws IOException if it cannot be read
   * @throws DataException if it is not UTF-8
   */
  public static TextFacts of(TextSource source) throws IOException {
    Counter counter = new Counter();
    source.read(counter::count);
    return counter.facts();
  }

  private static final class Counter {
    private final BitSet seen = new BitSet();
    private long characters;
    private long words;
    private long lines;
    private int previous = '\n';

    void count(String piece) {
      for (int i = 0; i < piece.length(); ) {
        int character = piece.codePointAt(i);
        i += Character.charCount(character);
        characters++;
        seen.set(character);
        if (!Character.isWhitespace(character) && Character.isWhitespace(previous)) {
          words++;
        }
        if (character == '\n') {
          lines++;
        }
        previous = character;
      }
    }

    TextFacts facts() {
      return new TextFacts(
          characters, seen.cardinality(), words, previous == '\n' ? lines : lines + 1);
    }
  }
}
