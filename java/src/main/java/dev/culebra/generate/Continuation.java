package dev.culebra.generate;

import dev.culebra.backend.SamplingSpec;
import java.util.Objects;
import java.util.function.IntPredicate;

/**
 * A text to continue. Equal prompts, {@code sampling}, {@code seed} and {@code sample} give equal
 * tokens, whatever else is written together with it.
 *
 * @param prompt at least one token; if it is longer than the window, only its end is read
 * @param count the most tokens to draw
 * @param seed of the draws
 * @param sample number of this continuation; each number gives another one for the same seed
 * @param onToken takes each token as soon as the host knows it, and returns false to stop there. It
 *     is called on the thread that generates: a reader that is slow, or blocks, holds the generator
 *     up. Nothing is drawn meanwhile: at most the tokens of one turn ({@link
 *     dev.culebra.backend.Backend#replaysAhead}) have been drawn and not yet been passed on
 */
public record Continuation(
    int[] prompt, int count, SamplingSpec sampling, long seed, int sample, IntPredicate onToken) {
  /**
   * @throws IllegalArgumentException if the prompt is empty
   */
  public Continuation {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("a prompt needs at least one token");
    }
    Objects.requireNonNull(sampling);
    Objects.requireNonNull(onToken);
  }
}
