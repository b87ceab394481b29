package dev.culebra.data;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * B contexts of T tokens in off-heap memory, ready for upload: I32 (B, T) inputs, and I32 (B, T)
 * targets, the token that follows each input, or {@link #IGNORE}. It is reused. Its creator owns
 * and closes it. Not thread-safe.
 */
public final class Batch implements AutoCloseable {
  /** A target that is ignored. */
  public static final int IGNORE = -1;

  private static final long ALIGNMENT = 64;

  private final int batch;
  private final int context;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment inputs;
  private final MemorySegment targets;

  /** Room for {@code batch} contexts of {@code context} tokens. */
  public Batch(int batch, int context) {
    if (batch < 1 || context < 1) {
      throw new IllegalArgumentException(
          "a batch needs at least 1 context of 1 token, not %d of %d".formatted(batch, context));
    }
    this.batch = batch;
    this.context = context;
    long bytes = (long) batch * context * Integer.BYTES;
    this.inputs = arena.allocate(bytes, ALIGNMENT);
    this.targets = arena.allocate(bytes, ALIGNMENT);
  }

  /** B, the number of contexts. */
  public int batch() {
    return batch;
  }

  /** T, the tokens of a context. */
  public int context() {
    return context;
  }

  /** B·T. */
  public long tokens() {
    return (long) batch * context;
  }

  /** I32 (B, T). */
  public MemorySegment inputs() {
    return inputs;
  }

  /** I32 (B, T). */
  public MemorySegment targets() {
    return targets;
  }

  /**
   * Fills row {@code row}: inputs are T tokens from {@code start} on, targets the same plus one.
   */
  void fillRow(int row, Tokens tokens, long start) {
    long first = (long) row * context;
    tokens.copy(start, context, inputs, first);
    tokens.copy(start + 1, context, targets, first);
  }

  /**
   * Sets one position of a row.
   *
   * @param input token in [0, vocab)
   * @param target the token to predict there, or {@link #IGNORE}
   * @throws IndexOutOfBoundsException if there is no such position
   */
  public void set(int row, int place, int input, int target) {
    long index =
        (long) Objects.checkIndex(row, batch) * context + Objects.checkIndex(place, context);
    inputs.setAtIndex(ValueLayout.JAVA_INT, index, input);
    targets.setAtIndex(ValueLayout.JAVA_INT, index, target);
  }

  /** The number of targets that are not {@link #IGNORE}. */
  public int countedTargets() {
    int counted = 0;
    long tokens = tokens();
    for (long i = 0; i < tokens; i++) {
      counted += targets.getAtIndex(ValueLayout.JAVA_INT, i) == IGNORE ? 0 : 1;
    }
    return counted;
  }

  /** The weight of this batch in a mean over {@code counted} targets; 0 if there are none. */
  public float weight(long counted) {
    return (float) ((double) countedTargets() / Math.max(1, counted));
  }

  /** Makes every input 0 and every target {@link #IGNORE}. */
  public void clear() {
    inputs.fill((byte) 0);
    targets.fill((byte) IGNORE); // -1 is the byte -1 four times
  }

  /** Frees the memory. Closing twice is harmless. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
