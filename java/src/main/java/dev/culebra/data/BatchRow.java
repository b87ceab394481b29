package dev.culebra.data;

/** Fills a row of a batch. */
@FunctionalInterface
public interface BatchRow {
  /**
   * Fills all places of row {@code row} of {@code batch}.
   *
   * @throws IllegalArgumentException if it is too long for the batch's context
   */
  void fill(Batch batch, int row);
}
