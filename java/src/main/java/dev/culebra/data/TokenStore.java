package dev.culebra.data;

import java.io.IOException;

/** Tokens that can be appended, and removed at the end. Not thread-safe. */
interface TokenStore {
  /** Appends tokens. */
  void add(int... tokens) throws IOException;

  /** The number of tokens. */
  long size();

  /** Copies {@code count} tokens from {@code from} on to the beginning of {@code into}. */
  void read(long from, int[] into, int count) throws IOException;

  /** Removes all but the first {@code kept}. */
  void truncate(long kept) throws IOException;
}
