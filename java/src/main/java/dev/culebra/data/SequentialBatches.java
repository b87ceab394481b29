package dev.culebra.data;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.util.Objects;

/**
 * All tokens in order, in windows of T, so that each except the first is predicted exactly once:
 * window {@code w} has inputs from {@code w·T} on. The last window and the last batch are padded
 * with input 0 and target {@link Batch#IGNORE}. Thread-safe.
 */
public final class SequentialBatches {
  private final Tokens tokens;
  private final int batch;
  private final int context;

  /**
   * Splits {@code tokens}, which the caller owns, into batches of {@code batch} windows of {@code
   * context} tokens.
   *
   * @throws DataException if there is nothing to predict
   */
  public SequentialBatches(Tokens tokens, int batch, int context) {
    tokens.requireContext(1);
    this.tokens = tokens;
    this.batch = batch;
    this.context = context;
  }

  /** The number of predicted tokens: all except the first. */
  public long targets() {
    return tokens.size() - 1;
  }

  /** Number of batches. */
  public long count() {
    return Math.ceilDiv(targets(), (long) batch * context);
  }

  /**
   * Fills {@code into} with batch {@code index}.
   *
   * @return its number of counted targets
   * @throws IllegalArgumentException if {@code into} has another shape
   * @throws IndexOutOfBoundsException if there is no such batch
   */
  public long fill(Batch into, long index) {
    if (into.batch() != batch || into.context() != context) {
      throw new IllegalArgumentException(
          "batch is (%d, %d), not (%d, %d)"
              .formatted(into.batch(), into.context(), batch, context));
    }
    Objects.checkIndex(index, count());
    long start = index * into.tokens();
    int valid = (int) Math.min(into.tokens(), targets() - start);
    tokens.copy(start, valid, into.inputs(), 0);
    tokens.copy(start + 1, valid, into.targets(), 0);
    for (long i = valid; i < into.tokens(); i++) {
      into.inputs().setAtIndex(JAVA_INT, i, 0);
      into.targets().setAtIndex(JAVA_INT, i, Batch.IGNORE);
    }
    return valid;
  }
}
