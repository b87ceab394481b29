package dev.culebra.checkpoint;

import java.util.Objects;

/**
 * One line of {@code samples.jsonl}.
 *
 * @param step optimizer steps taken, 1 or more
 * @param text what the model wrote after this step
 */
public record Sample(int step, String text) {
  /**
   * Checks the values.
   *
   * @throws IllegalArgumentException if the step is below 1
   */
  public Sample {
    if (step < 1) {
      throw new IllegalArgumentException("a sample comes after step 1 or later, not " + step);
    }
    Objects.requireNonNull(text, "text");
  }
}
