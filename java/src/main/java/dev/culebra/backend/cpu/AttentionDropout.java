package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culebra.backend.DropoutSpec;
import dev.culebra.random.Philox;
import java.lang.foreign.MemorySegment;

/** Dropout on a row of attention probabilities, its mask drawn again in each pass. */
final class AttentionDropout {
  private AttentionDropout() {}

  /**
   * p = p · factor.
   *
   * @param first element of the random key that belongs to p[0]
   * @param words room for four
   */
  static void forward(long p, int length, long first, DropoutSpec dropout, int[] words) {
    for (int i = 0; i < length; i++) {
      long at = p + 4L * i;
      ALL.set(JAVA_FLOAT, at, ALL.get(JAVA_FLOAT, at) * factor(first, i, dropout, words));
    }
  }

  /** dScore = p · (factor · dScore − delta) · scale; p = p · factor. */
  static void backward(
      long p,
      long dScores,
      int length,
      long first,
      float delta,
      float scale,
      DropoutSpec dropout,
      int[] words) {
    for (int i = 0; i < length; i++) {
      float factor = factor(first, i, dropout, words);
      float probability = ALL.get(JAVA_FLOAT, p + 4L * i);
      float dScore = ALL.get(JAVA_FLOAT, dScores + 4L * i);
      ALL.set(JAVA_FLOAT, dScores + 4L * i, probability * (factor * dScore - delta) * scale);
      ALL.set(JAVA_FLOAT, p + 4L * i, probability * factor);
    }
  }

  /** Factor of element first + i; to be asked for in order, since words are drawn by four. */
  private static float factor(long first, int i, DropoutSpec dropout, int[] words) {
    long element = first + i;
    int word = (int) (element & 3);
    if (word == 0 || i == 0) {
      MemorySegment state = dropout.key().state().segment();
      Philox.words(
          words,
          (int) (element >>> 2),
          dropout.key().site(),
          state.getAtIndex(JAVA_INT, 2),
          state.getAtIndex(JAVA_INT, 3),
          state.getAtIndex(JAVA_INT, 0),
          state.getAtIndex(JAVA_INT, 1));
    }
    return Philox.uniform(words[word]) < dropout.p() ? 0 : dropout.scale();
  }
}
