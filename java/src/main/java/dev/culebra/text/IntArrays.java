package dev.culebra.text;

import java.util.Arrays;
import java.util.List;

/** Joins pieces of token sequences. */
final class IntArrays {
  static final int[] EMPTY = {};

  private IntArrays() {}

  static int[] concat(int[] head, int[] tail) {
    if (tail.length == 0) {
      return head;
    }
    int[] joined = Arrays.copyOf(head, Math.addExact(head.length, tail.length));
    System.arraycopy(tail, 0, joined, head.length, tail.length);
    return joined;
  }

  static int[] concat(List<int[]> parts) {
    int length = 0;
    for (int[] part : parts) {
      length = Math.addExact(length, part.length);
    }
    int[] joined = new int[length];
    int end = 0;
    for (int[] part : parts) {
      System.arraycopy(part, 0, joined, end, part.length);
      end += part.length;
    }
    return joined;
  }
}
