package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/**
 * Tokens of one row from the most to the least likely, sorted lazily: a heap, whose freed end
 * stores the tokens found so far. A rank is a number that orders tokens by logit, and equal logits
 * by the lower index. Allocates nothing once it has seen the largest vocabulary. Not thread-safe.
 */
final class TokenRanking {
  private static final long INDEX_BITS = 0xFFFFFFFFL;

  /**
   * heap[0 … heapSize) is a heap with the largest first; after it come the found ranks, ascending.
   */
  private long[] heap = {};

  private int heapSize;
  private int count;

  /** The rank of a token: larger for a more likely one. */
  static long rank(float logit, int token) {
    int bits = Float.floatToIntBits(logit + 0f); // −0 and 0 are equal
    int ordered = bits ^ (bits >> 31) & Integer.MAX_VALUE;
    return (long) ordered << 32 | ~token & INDEX_BITS;
  }

  /** The token of a rank. */
  static int token(long rank) {
    return ~(int) rank;
  }

  /** Ranks {@code count} logits. */
  void set(long logits, int count) {
    if (heap.length < count) {
      heap = new long[count];
    }
    this.count = count;
    heapSize = count;
    for (int i = 0; i < count; i++) {
      heap[i] = rank(ALL.get(JAVA_FLOAT, safe(logits + 4L * i)), i);
    }
    for (int i = count / 2 - 1; i >= 0; i--) {
      sink(i, heap[i]);
    }
  }

  /** The rank of the token at {@code place}: that many tokens are more likely. */
  long rank(int place) {
    int at = count - 1 - place;
    while (heapSize > at) {
      long largest = heap[0];
      long last = heap[--heapSize];
      sink(0, last);
      heap[heapSize] = largest;
    }
    return heap[at];
  }

  /** Inserts {@code value} into the heap at the free place {@code hole} or below. */
  private void sink(int hole, long value) {
    int at = hole;
    for (int child = 2 * at + 1; child < heapSize; child = 2 * at + 1) {
      if (child + 1 < heapSize && heap[child + 1] > heap[child]) {
        child++;
      }
      if (heap[child] <= value) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = value;
  }
}
