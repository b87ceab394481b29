package dev.culebra.data;

/** What becomes a row of a batch. */
@FunctionalInterface
public interface BatchRow {
  /**
   * Makes this row {@code row} of {@code batch}, all of its places.
   *
   * @throws IllegalArgumentException if it is too long for the batch's context
   */
  void fill(Batch batch, int row);
}
