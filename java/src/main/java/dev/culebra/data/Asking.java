package dev.culebra.data;

/**
 * How to ask a model that answers questions.
 *
 * @param example a question; empty if there is no typical one
 * @param answerTokens tokens of the longest answer; 0 if an answer ends at the end of its line
 */
public record Asking(String example, int answerTokens) {
  public Asking {
    if (answerTokens < 0) {
      throw new IllegalArgumentException("an answer cannot have %d tokens".formatted(answerTokens));
    }
  }
}
