package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culebra.backend.DropoutSpec;
import dev.culebra.random.Philox;
import java.lang.foreign.MemorySegment;

/** {@link AttentionDropout} as plain loops. */
final class ScalarAttentionDropout implements AttentionDropout {
  private static final int BLOCK = AttentionKernel.BLOCK;

  private final int[] words = new int[4];

  @Override
  public void factors(
      long factors,
      int queries,
      int keys,
      int diagonal,
      DropoutSpec dropout,
      long first,
      int step) {
    for (int i = 0; i < queries; i++) {
      int seen = Math.min(keys, diagonal + i + 1);
      column(factors + 4L * i, seen, dropout, first + (long) i * step);
      for (int key = seen; key < keys; key++) {
        ALL.set(JAVA_FLOAT, safe(factors + 4L * (i + (long) key * BLOCK)), 0);
      }
    }
  }

  private void column(long column, int keys, DropoutSpec dropout, long first) {
    for (int key = 0; key < keys; key++) {
      int word = (int) (first + key & 3);
      if (word == 0 || key == 0) {
        draw(first + key, dropout);
      }
      float factor = Philox.uniform(words[word]) < dropout.p() ? 0 : dropout.scale();
      ALL.set(JAVA_FLOAT, safe(column + 4L * key * BLOCK), factor);
    }
  }

  /** The words of the four elements around {@code element}. */
  private void draw(long element, DropoutSpec dropout) {
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
}
