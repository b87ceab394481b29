package dev.culebra.backend.cpu;

<<<<<<< HEAD
import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culebra.backend.DropoutSpec;
import dev.culebra.random.Philox;
import java.lang.foreign.MemorySegment;
=======
import dev.culebra.backend.Dropout;
>>>>>>> attn

/**
 * Draws the factors of dropout on attention probabilities, again in each pass: {@code
 * VectorAttentionDropout} with the Vector API, {@link ScalarAttentionDropout} as plain loops, to
 * the same bits. One thread at a time.
 */
interface AttentionDropout {
  /** Rows behind the factors that are scratch memory. */
  int EXTRA_ROWS = 8;

  /**
   * factors[key][query], stored like the scores of {@link AttentionKernel}: 0 where dropped, any
   * finite number for keys not seen.
   *
   * @param first element of the random key that belongs to key 0 of query 0
   * @param step elements from a query to the next
   */
  void factors(
<<<<<<< HEAD
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
=======
      long factors, int queries, int keys, int diagonal, Dropout dropout, long first, int step);
>>>>>>> attn
}
