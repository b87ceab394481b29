package dev.culebra.data;

import java.util.Locale;

/**
 * The number of exactly right answers.
 *
 * @param right at most {@code asked}
 * @param asked at least 1
 */
public record Score(int right, int asked) {
  public Score {
    if (right < 0 || right > asked || asked < 1) {
      throw new IllegalArgumentException("%d right of %d asked".formatted(right, asked));
    }
  }

  /** The percentage of right answers. */
  public double percent() {
    return 100.0 * right / asked;
  }

  /** For example {@code 99.9 % (965 of 966)}. */
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%.1f %% (%,d of %,d)", percent(), right, asked);
  }
}
