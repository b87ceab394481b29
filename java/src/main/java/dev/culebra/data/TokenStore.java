package dev.culebra.data;

import java.io.IOException;

/** Tokens that are appended, and whose end can be taken away again. Not thread-safe. */
interface TokenStore {
  /** Appends tokens. */
  void add(int... tokens) throws IOException;

  /** How many there are. */
  long size();

  /** Copies {@code count} tokens from {@code from} on to the beginning of {@code into}. */
  void read(long from, int[] into, int count) throws IOException;

  /** Forgets all but the first {@code kept}. */
  void truncate(long kept) throws IOException;
}
