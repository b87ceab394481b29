package dev.culebra.options;

/**
 * The values that an option may have.
 *
 * @param <T> the type of the values
 */
@FunctionalInterface
public interface Range<T> {
  /**
   * What is wrong with a value, to follow the option's name: {@code must be at least 1, not 0};
   * null if nothing is.
   */
  String complaint(T value);

  /** All values. */
  static <T> Range<T> all() {
    return value -> null;
  }

  static Range<Integer> atLeast(int least) {
    return between(least, Integer.MAX_VALUE);
  }

  /** From {@code least} to {@code most}, both included. */
  static Range<Integer> between(int least, int most) {
    return value ->
        value < least
            ? "must be at least %d, not %d".formatted(least, value)
            : value > most ? "must be at most %d, not %d".formatted(most, value) : null;
  }

  /** 0 and all finite numbers above. */
  static Range<Float> notNegative() {
    return finite(value -> value >= 0 ? null : "must be 0 or more, not " + value);
  }

  /** All finite numbers above 0. */
  static Range<Float> positive() {
    return finite(value -> value > 0 ? null : "must be above 0, not " + value);
  }

  private static Range<Float> finite(Range<Float> range) {
    return value ->
        Float.isFinite(value) ? range.complaint(value) : "must be a finite number, not " + value;
  }

  /** [0, 1). */
  static Range<Float> fraction() {
    return value -> value >= 0 && value < 1 ? null : "must be at least 0 and below 1, not " + value;
  }

  /** (0, 1). */
  static Range<Float> part() {
    return value -> value > 0 && value < 1 ? null : "must be above 0 and below 1, not " + value;
  }

  /**
   * Texts that are not blank.
   *
   * @param meaning what the text names, for the message
   */
  static Range<String> naming(String meaning) {
    return value -> value.isBlank() ? "must name " + meaning : null;
  }
}
