package dev.culebra.data;

/**
 * An endless supply of batches without state: what a batch holds depends on the numbers it is asked
 * for by alone, so that a resumed run sees the batches it would have seen. Thread-safe.
 */
public interface Batches {
  /**
   * Fills {@code batch} for {@code step} and, under gradient accumulation, {@code microStep} of it.
   *
   * @throws DataException if there is too little data for the batch's context
   * @throws IllegalArgumentException if a number is negative or too large
   */
  void fill(Batch batch, int step, int microStep);

  /**
   * How many targets count in the first {@code microSteps} batches of a step; fills {@code batch}
   * with each of them.
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
