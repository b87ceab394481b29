package dev.culebra.data;

/**
 * How a person asks a model that answers questions.
 *
 * @param example a question; empty where there is no typical one
 * @param answerTokens tokens of the longest answer; 0 where an answer ends with its line, however
 *     long that is
 */
public record Asking(String example, int answerTokens) {
  public Asking {
    if (answerTokens < 0) {
      throw new IllegalArgumentException("an answer cannot have %d tokens".formatted(answerTokens));
    }
  }
}
