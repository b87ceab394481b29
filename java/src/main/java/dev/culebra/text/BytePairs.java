package dev.culebra.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The merges of byte-level BPE: in a word, the neighbours with the first-ranked merge become one
 * token, the leftmost among equals, until no neighbours merge. Immutable and thread-safe.
 */
final class BytePairs {
  /** Longer words are merged with a heap: time n log n instead of n². */
  private static final int SHORT = 48;

  private static final int NONE = Integer.MAX_VALUE;
  private static final int BYTES = 256;

  private final int[] tokenOfByte = new int[BYTES];
  private final PairTable ranks;
  private final int[] merged;

  /** Tokens by their bytes as Latin-1; null unless whole words come before merges. */
  private final Map<String, Integer> words;

  /**
   * Builds the tables.
   *
   * @throws IllegalArgumentException with one line, if a byte has no token
   */
  BytePairs(BpeDefinition definition) {
    Map<String, Integer> tokens = new HashMap<>();
    List<String> written = definition.tokens();
    for (int token = 0; token < written.size(); token++) {
      if (written.get(token) != null) {
        tokens.put(written.get(token), token);
      }
    }
    for (int b = 0; b < BYTES; b++) {
      Integer token = tokens.get(Character.toString(ByteAlphabet.character(b)));
      if (token == null) {
        throw new IllegalArgumentException("the vocabulary has no token for byte " + b);
      }
      tokenOfByte[b] = token;
    }
    List<BpeDefinition.Merge> merges = definition.merges();
    ranks = new PairTable(merges.size());
    merged = new int[merges.size()];
    for (int rank = 0; rank < merged.length; rank++) {
      BpeDefinition.Merge merge = merges.get(rank);
      ranks.put(merge.left(), merge.right(), rank);
      merged[rank] = merge.token();
    }
    words = definition.wholeWordsFirst() ? byBytes(tokens) : null;
  }

  private static Map<String, Integer> byBytes(Map<String, Integer> tokens) {
    Map<String, Integer> words = new HashMap<>();
    tokens.forEach(
        (written, token) -> {
          byte[] bytes = ByteAlphabet.bytes(written);
          if (bytes != null) {
            words.put(new String(bytes, StandardCharsets.ISO_8859_1), token);
          }
        });
    return words;
  }

  /** The tokens of a word in UTF-8. */
  int[] encode(byte[] word) {
    if (words != null) {
      Integer token = words.get(new String(word, StandardCharsets.ISO_8859_1));
      if (token != null) {
        return new int[] {token};
      }
    }
    int[] tokens = new int[word.length];
    for (int i = 0; i < word.length; i++) {
      tokens[i] = tokenOfByte[word[i] & 0xFF];
    }
    int count = word.length <= SHORT ? mergeShort(tokens) : mergeLong(tokens);
    return count == tokens.length ? tokens : Arrays.copyOf(tokens, count);
  }

  /** Merges in place; returns the number of remaining tokens. */
  private int mergeShort(int[] tokens) {
    int count = tokens.length;
    int[] rank = new int[count];
    for (int i = 0; i + 1 < count; i++) {
      rank[i] = ranks.get(tokens[i], tokens[i + 1]);
    }
    while (count > 1) {
      int at = 0;
      for (int i = 1; i < count - 1; i++) {
        if (rank[i] < rank[at]) {
          at = i;
        }
      }
      if (rank[at] == NONE) {
        break;
      }
      tokens[at] = merged[rank[at]];
      count--;
      System.arraycopy(tokens, at + 2, tokens, at + 1, count - at - 1);
      System.arraycopy(rank, at + 2, rank, at + 1, Math.max(0, count - at - 2));
      if (at + 1 < count) {
        rank[at] = ranks.get(tokens[at], tokens[at + 1]);
      }
      if (at > 0) {
        rank[at - 1] = ranks.get(tokens[at - 1], tokens[at]);
      }
    }
    return count;
  }

  /** The same with a heap of merges, by rank and then by position. */
  private int mergeLong(int[] tokens) {
    int length = tokens.length;
    int[] next = new int[length];
    int[] previous = new int[length];
    LongHeap heap = new LongHeap(length);
    for (int i = 0; i < length; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
      if (i + 1 < length) {
        push(heap, tokens, i, i + 1);
      }
    }
    while (!heap.isEmpty()) {
      long smallest = heap.pop();
      int rank = (int) (smallest >>> Integer.SIZE);
      int at = (int) smallest;
      int right = next[at];
      // A merged token has no successor, and a changed pair has another rank.
      if (right >= length || right < 0 || ranks.get(tokens[at], tokens[right]) != rank) {
        continue;
      }
      tokens[at] = merged[rank];
      next[at] = next[right];
      next[right] = -1;
      if (next[at] < length) {
        previous[next[at]] = at;
        push(heap, tokens, at, next[at]);
      }
      if (previous[at] >= 0) {
        push(heap, tokens, previous[at], at);
      }
    }
    int count = 0;
    for (int i = 0; i < length; i = next[i]) {
      tokens[count++] = tokens[i];
    }
    return count;
  }

  private void push(LongHeap heap, int[] tokens, int left, int right) {
    int rank = ranks.get(tokens[left], tokens[right]);
    if (rank != NONE) {
      heap.push((long) rank << Integer.SIZE | left);
    }
  }

  /**
   * The rank of each pair that merges; with open addressing, since the lookup is the inner loop.
   */
  private static final class PairTable {
    private static final long FREE = -1;
    private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

    private final long[] keys;
    private final int[] values;
    private final int shift;

    PairTable(int size) {
      int bits = Integer.SIZE - Integer.numberOfLeadingZeros(Math.max(1, 2 * size));
      keys = new long[1 << bits];
      values = new int[1 << bits];
      shift = Long.SIZE - bits;
      Arrays.fill(keys, FREE);
    }

    void put(int left, int right, int value) {
      int slot = slot(left, right);
      keys[slot] = key(left, right);
      values[slot] = value;
    }

    int get(int left, int right) {
      int slot = slot(left, right);
      return keys[slot] == FREE ? NONE : values[slot];
    }

    /** The slot of the pair, or the slot where it belongs. */
    private int slot(int left, int right) {
      long key = key(left, right);
      int slot = (int) (key * MULTIPLIER >>> shift);
      while (keys[slot] != key && keys[slot] != FREE) {
        slot = slot + 1 & keys.length - 1;
      }
      return slot;
    }

    private static long key(int left, int right) {
      return (long) left << Integer.SIZE | right;
    }
  }

  /** A heap of numbers, smallest first. */
  private static final class LongHeap {
    private long[] heap;
    private int size;

    LongHeap(int capacity) {
      heap = new long[Math.max(1, capacity)];
    }

    boolean isEmpty() {
      return size == 0;
    }

    void push(long value) {
      if (size == heap.length) {
        heap = Arrays.copyOf(heap, 2 * size);
      }
      int at = size++;
      while (at > 0 && heap[(at - 1) / 2] > value) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
      }
      heap[at] = value;
    }

    long pop() {
      long smallest = heap[0];
      long value = heap[--size];
      int at = 0;
      while (true) {
        int child = 2 * at + 1;
        if (child >= size) {
          break;
        }
        if (child + 1 < size && heap[child + 1] < heap[child]) {
          child++;
        }
        if (heap[child] >= value) {
          break;
        }
        heap[at] = heap[child];
        at = child;
      }
      heap[at] = value;
      return smallest;
    }
  }
}
