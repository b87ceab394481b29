package dev.culebra.backend;

import java.math.BigDecimal;

/**
 * Llama 3.1's change of the frequencies of rotary positions, for contexts longer than those that a
 * model was first trained with: low frequencies are divided by {@code factor}, high ones stay, and
 * those between are mixed (Grattafiori et al., "The Llama 3 herd of models", 2024).
 *
 * @param factor divides low frequencies; 1 changes nothing
 * @param lowFrequencyFactor a pair of columns that turns fewer times than this in the first context
 *     has a low frequency
 * @param highFrequencyFactor one that turns more often than this has a high one
 * @param originalContext the first context, in tokens
 */
public record RopeScaling(
    double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalContext) {
  /** Frequencies as they are. */
  public static final RopeScaling NONE = new RopeScaling(1, 1, 4, 1);

  private static final String NONE_TEXT = "none";
  private static final int NUMBERS = 4;

  /**
   * @throws IllegalArgumentException if a value makes no sense; one line
   */
  public RopeScaling {
    if (!(factor >= 1 && Double.isFinite(factor))) {
      throw new IllegalArgumentException(
          "the factor of a rope scaling must be at least 1, not " + factor);
    }
    if (!(lowFrequencyFactor > 0
        && highFrequencyFactor > lowFrequencyFactor
        && Double.isFinite(highFrequencyFactor))) {
      throw new IllegalArgumentException(
          "the frequency factors of a rope scaling must be above 0 and rise, not %s and %s"
              .formatted(lowFrequencyFactor, highFrequencyFactor));
    }
    if (originalContext < 1) {
      throw new IllegalArgumentException(
          "the first context of a rope scaling must be at least 1, not " + originalContext);
    }
  }

  /**
   * Reads what {@link #toString} writes.
   *
   * @throws IllegalArgumentException if it is something else
   */
  public static RopeScaling parse(String text) {
    if (text.equals(NONE_TEXT)) {
      return NONE;
    }
    String[] numbers = text.split(",", -1);
    if (numbers.length != NUMBERS) {
      throw new IllegalArgumentException(text);
    }
    RopeScaling scaling =
        new RopeScaling(
            Double.parseDouble(numbers[0]),
            Double.parseDouble(numbers[1]),
            Double.parseDouble(numbers[2]),
            Integer.parseInt(numbers[3]));
    return scaling.isNone() ? NONE : scaling;
  }

  /** Whether frequencies stay as they are. */
  public boolean isNone() {
    return factor == 1;
  }

  /**
   * What a frequency is multiplied with: from 1 / factor to 1.
   *
   * @param turns of a pair of columns from one token to the next
   */
  public double kept(double turns) {
    double share = Math.clamp(turns * slope() - intercept(), 0, 1);
    return least() + share * (1 - least());
  }

  /** What the lowest frequencies are multiplied with. */
  public double least() {
    return 1 / factor;
  }

  /** With the turns from one token to the next, the share by which a frequency is kept … */
  public double slope() {
    return originalContext / (highFrequencyFactor - lowFrequencyFactor);
  }

  /** … and what is taken from it: clamp(turns · slope − intercept, 0, 1). */
  public double intercept() {
    return lowFrequencyFactor / (highFrequencyFactor - lowFrequencyFactor);
  }

  /** {@code none}, or the four numbers: {@code 8,1,4,8192}. */
  @Override
  public String toString() {
    return isNone()
        ? NONE_TEXT
        : "%s,%s,%s,%d"
            .formatted(
                text(factor), text(lowFrequencyFactor), text(highFrequencyFactor), originalContext);
  }

  private static String text(double number) {
    return BigDecimal.valueOf(number).stripTrailingZeros().toPlainString();
  }
}
