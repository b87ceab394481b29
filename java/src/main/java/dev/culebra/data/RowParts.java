package dev.culebra.data;

import java.util.ArrayList;
import java.util.List;

/**
 * The lines of a file in two parts, in their order.
 *
 * @param train to train on
 * @param validation to validate on
 */
record RowParts<R>(List<R> train, List<R> validation) {
  RowParts {
    train = List.copyOf(train);
    validation = List.copyOf(validation);
  }

  /**
   * Divides the lines of one file: its last lines are for validation, or lines drawn at random.
   *
   * @param file for messages
   * @param holdout not other data
   * @throws DataException if a part would be empty
   */
  static <R> RowParts<R> divide(String file, List<R> rows, Holdout holdout) {
    List<R> train = new ArrayList<>();
    List<R> validation = new ArrayList<>();
    int kept = rows.size() - holdout.held(rows.size());
    for (int i = 0; i < rows.size(); i++) {
      boolean held = holdout.rule() == Holdout.Rule.DOCUMENTS ? holdout.holds(i) : i >= kept;
      (held ? validation : train).add(rows.get(i));
    }
    if (train.isEmpty() || validation.isEmpty()) {
      throw new DataException(
          "%s: %d lines are too few to hold out %s"
              .formatted(file, rows.size(), holdout.describe(1)));
    }
    return new RowParts<>(train, validation);
  }
}
