package dev.culebra.generate;

/**
 * What generating took, the time in {@link Continuation#onToken} included.
 *
 * @param tokens drawn, of all continuations
 * @param nanosToFirst until the first token was drawn: reading the prompt, and one step; 0 if none
 *     was
 * @param nanos until the end
 */
public record Generation(int tokens, long nanosToFirst, long nanos) {
  /** Seconds until the first token was drawn. */
  public double secondsToFirst() {
    return nanosToFirst / 1e9;
  }

  /** Tokens a second after the first one; 0 if there were fewer than two. */
  public double tokensPerSecond() {
    return tokens < 2 ? 0 : (tokens - 1) * 1e9 / Math.max(1, nanos - nanosToFirst);
  }
}
