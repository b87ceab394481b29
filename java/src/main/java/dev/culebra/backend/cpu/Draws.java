package dev.culebra.backend.cpu;

import dev.culebra.backend.RandomKey;
import dev.culebra.random.Philox;

/**
 * The random numbers of a {@link RandomKey}, whose state is read from its tensor once per call.
 * After {@link #set} has returned, many threads may read them.
 */
final class Draws {
  int site;
  int keyLow;
  int keyHigh;
  int drawLow;
  int drawHigh;

  /** Reads the key's state. */
  void set(RandomKey key) {
    site = key.site();
    keyLow = key.state().getInt(0);
    keyHigh = key.state().getInt(1);
    drawLow = key.state().getInt(2);
    drawHigh = key.state().getInt(3);
  }

  /**
   * The uniform number in [0, 1) of one element.
   *
   * @param words scratch of 4
   */
  float uniform(long element, int[] words) {
    words((int) (element / 4), words);
    return Philox.uniform(words[(int) (element % 4)]);
  }

  /** The words of the elements 4 · counter … 4 · counter + 3. */
  void words(int counter, int[] words) {
    Philox.words(words, counter, site, drawLow, drawHigh, keyLow, keyHigh);
  }
}
