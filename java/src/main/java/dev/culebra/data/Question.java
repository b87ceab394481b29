package dev.culebra.data;

/**
 * A question with its right answer; only the answer is learned.
 *
 * @param prompt tokens of the question, at least one
 * @param answer tokens of the answer, at least one
 */
public record Question(int[] prompt, int[] answer) implements BatchRow {
  public Question {
    if (prompt.length == 0 || answer.length == 0) {
      throw new IllegalArgumentException(
          "a question and its answer need tokens, not %d and %d"
              .formatted(prompt.length, answer.length));
    }
  }

  /** Tokens of both. */
  public int length() {
    return prompt.length + answer.length;
  }

  /**
   * Writes this to row {@code row} of a batch: the tokens except the last, which has no successor,
   * then input 0. Targets are the answer's tokens, and {@link Batch#IGNORE} elsewhere.
   *
   * @throws IllegalArgumentException if it is too long for the batch's context
   */
  @Override
  public void fill(Batch batch, int row) {
    if (length() > batch.context() + 1) {
      throw new IllegalArgumentException(
          "%d tokens do not fit into a context of %d".formatted(length(), batch.context()));
    }
    for (int t = 0; t < batch.context(); t++) {
      boolean counts = t + 1 >= prompt.length && t + 1 < length();
      batch.set(row, t, t < length() ? token(t) : 0, counts ? token(t + 1) : Batch.IGNORE);
    }
  }

  private int token(int place) {
    return place < prompt.length ? prompt[place] : answer[place - prompt.length];
  }
}
