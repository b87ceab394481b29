package dev.culebra.data;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.LongUnaryOperator;

/**
 * A long sequence of tokens in [0, vocab), in memory or in mapped files, one after another, stored
 * as 16 or 32 bits each. Reading allocates nothing and may be done by several threads.
 *
 * <p>Tokens that were opened or collected own their memory and must be closed; a {@link #slice} is
 * a view, and closing it does nothing. After the owner is closed, reading throws {@link
 * IllegalStateException}.
 */
public final class Tokens implements AutoCloseable {
  private final String name;
  private final int vocab;
  private final TokenWidth width;

  /** The memory of the tokens, in order; no segment is empty. */
  private final MemorySegment[] segments;

  /** The index of the first token of each segment, then the number of tokens. */
  private final long[] starts;

  /** The memory that {@link #close} frees; null for a view. */
  private final Arena owned;

  /** The files that they are mapped from; empty if they are in memory. */
  private final List<Path> files;

  /**
   * {@code segments} hold just the tokens; {@code owned}, if not null, is the memory that they are
   * in.
   */
  Tokens(String name, int vocab, TokenWidth width, List<MemorySegment> segments, Arena owned) {
    this(name, vocab, width, segments, owned, List.of());
  }

  /**
   * @param files that {@code segments} are mapped from
   */
  Tokens(
      String name,
      int vocab,
      TokenWidth width,
      List<MemorySegment> segments,
      Arena owned,
      List<Path> files) {
    this.name = Objects.requireNonNull(name, "name");
    this.vocab = vocab;
    this.width = width;
    this.segments =
        segments.stream().filter(segment -> segment.byteSize() > 0).toArray(MemorySegment[]::new);
    this.starts = new long[this.segments.length + 1];
    for (int i = 0; i < this.segments.length; i++) {
      starts[i + 1] = starts[i] + this.segments[i].byteSize() / width.bytes();
    }
    this.owned = owned;
    this.files = files;
  }

  /** A copy of {@code tokens} in off-heap memory; the caller closes it. */
  public static Tokens of(String name, int vocab, int... tokens) {
    TokenCollector collector = new TokenCollector(name, vocab);
    collector.add(tokens);
    return collector.finish();
  }

  /** A name for messages. */
  public String name() {
    return name;
  }

  /** All tokens are below this. */
  public int vocab() {
    return vocab;
  }

  /** Number of tokens. */
  public long size() {
    return starts[segments.length];
  }

  /** The files that they are mapped from; empty if they are in memory. */
  List<Path> files() {
    return files;
  }

  /** Where the tokens lie. */
  List<MemorySegment> segments() {
    return List.of(segments);
  }

  /**
   * Token {@code index}.
   *
   * @throws IndexOutOfBoundsException if there is none
   * @throws DataException if it is outside the vocabulary
   */
  public int token(long index) {
    int s = segmentOf(Objects.checkIndex(index, size()));
    return checked(width.get(segments[s], index - starts[s]), index);
  }

  /**
   * Copies {@code count} tokens from {@code from} on into the 32-bit integers {@code to[toIndex
   * …]}.
   *
   * @throws IndexOutOfBoundsException if there are not enough tokens or not enough room
   * @throws DataException if one is outside the vocabulary
   */
  public void copy(long from, int count, MemorySegment to, long toIndex) {
    Objects.checkFromIndexSize(from, (long) count, size());
    long end = from + count;
    for (long at = from; at < end; ) {
      int s = segmentOf(at);
      MemorySegment segment = segments[s];
      long segmentEnd = Math.min(end, starts[s + 1]);
      for (; at < segmentEnd; at++) {
        int token = checked(width.get(segment, at - starts[s]), at);
        to.setAtIndex(JAVA_INT, toIndex + at - from, token);
      }
    }
  }

  private int segmentOf(long index) {
    int place = Arrays.binarySearch(starts, index);
    return place >= 0 ? place : -place - 2;
  }

  /**
   * Copies {@code count} tokens from {@code from} on; see {@link #copy(long, int, MemorySegment,
   * long)}.
   */
  public void copy(long from, int count, int[] to, int toIndex) {
    copy(from, count, MemorySegment.ofArray(to), toIndex);
  }

  /** The tokens from {@code from} to before {@code end}, as a view with another name. */
  public Tokens slice(String name, long from, long end) {
    Objects.checkFromToIndex(from, end, size());
    List<MemorySegment> parts = new ArrayList<>();
    for (int s = 0; s < segments.length; s++) {
      long first = Math.max(from, starts[s]);
      long last = Math.min(end, starts[s + 1]);
      if (first < last) {
        long bytes = (last - first) * width.bytes();
        parts.add(segments[s].asSlice((first - starts[s]) * width.bytes(), bytes));
      }
    }
    return new Tokens(name, vocab, width, parts, null, files);
  }

  /**
   * The first {@code kept} of each file, or the rest of each, as a view.
   *
   * @param kept given a number of tokens, how many of them come first
   */
  Tokens ofEachFile(String name, LongUnaryOperator kept, boolean first) {
    List<MemorySegment> parts = new ArrayList<>();
    for (MemorySegment segment : segments) {
      long end = kept.applyAsLong(segment.byteSize() / width.bytes()) * width.bytes();
      parts.add(first ? segment.asSlice(0, end) : segment.asSlice(end));
    }
    return new Tokens(name, vocab, width, parts, null, files);
  }

  /** These and then {@code others} of the same vocabulary, as a view. */
  Tokens then(Tokens others) {
    List<MemorySegment> all = new ArrayList<>(segments());
    all.addAll(others.segments());
    return new Tokens(name, vocab, width, all, null);
  }

  /**
   * Checks that a context of {@code context} tokens and the token after it fit.
   *
   * @throws DataException if they do not, with the available and the needed number
   */
  public void requireContext(int context) {
    if (size() < context + 1L) {
      throw new DataException(
          "%s has %d tokens, but a context of %d needs at least %d: use a longer text or a shorter context"
              .formatted(name, size(), context, context + 1L));
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
    return "%s (%d tokens)".formatted(name, size());
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
