package dev.culebra.data;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * A long sequence of tokens in [0, vocab), in memory or in a mapped file, stored as 16 or 32 bits
 * each. Reading neither allocates nor moves anything, and may be done by several threads.
 *
 * <p>Tokens that were opened or collected own their memory and must be closed; a {@link #slice} is
 * a view, whose closing does nothing. After the owner is closed, reading throws {@link
 * IllegalStateException}.
 */
public final class Tokens implements AutoCloseable {
  private final String name;
  private final int vocab;
  private final TokenWidth width;
  private final MemorySegment segment;
  private final long size;

  /** What {@link #close} frees; null for a view. */
  private final Arena owned;

  /** {@code segment} holds just the tokens; {@code owned}, if not null, is what it lives in. */
  Tokens(String name, int vocab, TokenWidth width, MemorySegment segment, Arena owned) {
    this.name = Objects.requireNonNull(name, "name");
    this.vocab = vocab;
    this.width = width;
    this.segment = segment;
    this.size = segment.byteSize() / width.bytes();
    this.owned = owned;
  }

  /** A copy of {@code tokens}, off the heap; the caller closes it. */
  public static Tokens of(String name, int vocab, int... tokens) {
    TokenCollector collector = new TokenCollector(name, vocab);
    collector.add(tokens);
    return collector.finish();
  }

  /** For messages: which tokens these are. */
  public String name() {
    return name;
  }

  /** All tokens are below this. */
  public int vocab() {
    return vocab;
  }

  /** Number of tokens. */
  public long size() {
    return size;
  }

  /**
   * Token {@code index}.
   *
   * @throws IndexOutOfBoundsException if there is none
   * @throws DataException if it is outside the vocabulary
   */
  public int token(long index) {
    return checked(width.get(segment, Objects.checkIndex(index, size)), index);
  }

  /**
   * Copies {@code count} tokens from {@code from} on into the 32-bit integers {@code to[toIndex
   * …]}.
   *
   * @throws IndexOutOfBoundsException if there are not as many, or not as much room
   * @throws DataException if one is outside the vocabulary
   */
  public void copy(long from, int count, MemorySegment to, long toIndex) {
    Objects.checkFromIndexSize(from, (long) count, size);
    for (int i = 0; i < count; i++) {
      to.setAtIndex(JAVA_INT, toIndex + i, checked(width.get(segment, from + i), from + i));
    }
  }

  /**
   * Copies {@code count} tokens from {@code from} on; see {@link #copy(long, int, MemorySegment,
   * long)}.
   */
  public void copy(long from, int count, int[] to, int toIndex) {
    copy(from, count, MemorySegment.ofArray(to), toIndex);
  }

  /** The tokens from {@code from} to before {@code end}, as a view under another name. */
  public Tokens slice(String name, long from, long end) {
    Objects.checkFromToIndex(from, end, size);
    MemorySegment part = segment.asSlice(from * width.bytes(), (end - from) * width.bytes());
    return new Tokens(name, vocab, width, part, null);
  }

  /**
   * Checks that a context of {@code context} tokens and the token after it fit.
   *
   * @throws DataException if they do not, with how many there are and how many are needed
   */
  public void requireContext(int context) {
    if (size < context + 1L) {
      throw new DataException(
          "%s has %d tokens, but a context of %d needs at least %d: use a longer text or a shorter context"
              .formatted(name, size, context, context + 1L));
    }
  }

  /** Frees the memory if these tokens own it. Closing twice is harmless. */
  @Override
  public void close() {
    if (owned != null && owned.scope().isAlive()) {
      owned.close();
    }
  }

  /** For example {@code dickens, training part (1093477 tokens)}. */
  @Override
  public String toString() {
    return "%s (%d tokens)".formatted(name, size);
  }

  private int checked(int token, long index) {
    if (token < 0 || token >= vocab) {
      throw new DataException(
          "%s: token %d at position %d is outside the vocabulary of %d"
              .formatted(name, token, index, vocab));
    }
    return token;
  }
}
