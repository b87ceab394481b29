package dev.culebra.data;

/**
 * An endless, stateless supply of batches: a batch depends only on its numbers, so a resumed run
 * sees the same batches. An implementation draws from a {@link dev.culebra.random.RandomStream} of
 * (seed, stream, step), not from a generator with state. Thread-safe.
 */
public interface Batches {
  /**
   * Fills all of {@code batch}, I32 (B, T) inputs and I32 (B, T) targets in [0, vocab) or {@link
   * Batch#IGNORE}, for {@code step} and, with gradient accumulation, its {@code microStep}.
   *
   * @throws DataException if there is too little data for the batch's context
   * @throws IllegalArgumentException if a number is negative or too large
   */
  void fill(Batch batch, int step, int microStep);

  /** Whether no target of any batch is ever {@link Batch#IGNORE}; false if unknown. */
  default boolean everyTargetCounts() {
    return false;
  }

  /**
   * The number of counted targets in the first {@code microSteps} batches of a step; fills {@code
   * batch} with each of them.
   */
  default long countedTargets(Batch batch, int step, int microSteps) {
    long counted = 0;
    for (int micro = 0; micro < microSteps; micro++) {
      fill(batch, step, micro);
      counted += batch.countedTargets();
    }
    return counted;
  }
}
