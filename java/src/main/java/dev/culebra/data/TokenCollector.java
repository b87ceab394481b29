package dev.culebra.data;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Collects any number of tokens in off-heap memory. Either {@link #finish} passes on the memory or
 * {@link #close} frees it. Not thread-safe.
 */
final class TokenCollector implements TokenStore, AutoCloseable {
  private static final long INITIAL = 1 << 16;

  private final String name;
  private final int vocab;
  private final TokenWidth width;
  private Arena arena;
  private MemorySegment segment;
  private long size;

  TokenCollector(String name, int vocab) {
    this.name = name;
    this.vocab = vocab;
    this.width = TokenWidth.of(vocab);
    grow(INITIAL);
  }

  /** Appends tokens, each in [0, vocab). */
  @Override
  public void add(int... tokens) {
    long needed = (size + tokens.length) * width.bytes();
    if (needed > segment.byteSize()) {
      grow(Math.max(needed, 2 * segment.byteSize()));
    }
    for (int token : tokens) {
      if (token < 0 || token >= vocab) {
        throw new IllegalArgumentException(
            "token %d is outside the vocabulary of %d".formatted(token, vocab));
      }
      width.set(segment, size++, token);
    }
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void read(long from, int[] into, int count) {
    for (int i = 0; i < count; i++) {
      into[i] = width.get(segment, from + i);
    }
  }

  @Override
  public void truncate(long kept) {
    size = kept;
  }

  /** The collected tokens; the caller owns them from now on. */
  Tokens finish() {
    List<MemorySegment> collected = List.of(segment.asSlice(0, size * width.bytes()));
    Tokens tokens = new Tokens(name, vocab, width, collected, arena);
    arena = null;
    return tokens;
  }

  @Override
  public void close() {
    if (arena != null) {
      arena.close();
      arena = null;
    }
  }

  private void grow(long bytes) {
    Arena larger = Arena.ofShared();
    MemorySegment target = larger.allocate(bytes, Long.BYTES);
    if (arena != null) {
      MemorySegment.copy(segment, 0, target, 0, size * width.bytes());
      arena.close();
    }
    arena = larger;
    segment = target;
  }
}
