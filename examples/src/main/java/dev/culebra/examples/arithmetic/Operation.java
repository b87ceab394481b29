package dev.culebra.examples.arithmetic;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An operation on two numbers of N digits, and how its result is written for a model. A model
 * writes an answer from left to right, so each character should follow from the question and the
 * characters before it. The digits of sums, differences, products and remainders are therefore
 * reversed, since carries come from the right. A quotient is not, since division starts at the
 * left. A difference starts with its sign, on which all its digits depend.
 */
public enum Operation {
  /** {@code 12+34=640}: N + 1 digits. */
  PLUS('+', "(\\d+)"),

  /** {@code 12-34=-22}: a sign, which is + for 0, then N digits. */
  MINUS('-', "([+-])(\\d+)"),

  /** {@code 12*34=8040}: 2N digits. */
  TIMES('*', "(\\d+)"),

  /** {@code 85/12=07r10}: N digits of the quotient, {@code r}, N digits of the remainder. */
  DIVIDED_BY('/', "(\\d+)r(\\d+)");

  private final char symbol;
  private final Pattern written;

  Operation(char symbol, String written) {
    this.symbol = symbol;
    this.written = Pattern.compile(written);
  }

  /** The sign between the numbers. */
  public char symbol() {
    return symbol;
  }

  /** Whether the numbers can be swapped. */
  boolean commutes() {
    return this == PLUS || this == TIMES;
  }

  /** The smallest second number; 1 for division. */
  int leastSecond() {
    return this == DIVIDED_BY ? 1 : 0;
  }

  /** Number of characters of an answer. */
  int answerLength(int digits) {
    return switch (this) {
      case PLUS, MINUS -> digits + 1;
      case TIMES -> 2 * digits;
      case DIVIDED_BY -> 2 * digits + 1;
    };
  }

  /** The right answer as a model should write it. */
  String answer(int a, int b, int digits) {
    return switch (this) {
      case PLUS -> turned(a + b, digits + 1);
      case MINUS -> (a < b ? "-" : "+") + turned(Math.abs(a - b), digits);
      case TIMES -> turned((long) a * b, 2 * digits);
      case DIVIDED_BY -> padded(a / b, digits) + "r" + turned(a % b, digits);
    };
  }

  /** The right answer in usual notation: {@code 46}, {@code -22}, {@code 7 remainder 1}. */
  String result(int a, int b) {
    return switch (this) {
      case PLUS -> Integer.toString(a + b);
      case MINUS -> Integer.toString(a - b);
      case TIMES -> Long.toString((long) a * b);
      case DIVIDED_BY -> withRemainder(a / b, a % b);
    };
  }

  /** A model's answer in usual notation, or quoted as it is if it is malformed. */
  String readable(String answer) {
    Matcher parts = written.matcher(answer);
    if (!parts.matches()) {
      return "'" + answer.replace("\n", "\\n") + "'";
    }
    return switch (this) {
      case PLUS, TIMES -> Long.toString(turnedBack(parts.group(1)));
      case MINUS -> (parts.group(1).equals("-") ? "-" : "") + turnedBack(parts.group(2));
      case DIVIDED_BY -> withRemainder(Long.parseLong(parts.group(1)), turnedBack(parts.group(2)));
    };
  }

  private static String withRemainder(long quotient, long remainder) {
    return "%d remainder %d".formatted(quotient, remainder);
  }

  /** A number with leading zeros. */
  static String padded(long number, int width) {
    return String.format(Locale.ROOT, "%0" + width + "d", number);
  }

  private static String turned(long number, int width) {
    return new StringBuilder(padded(number, width)).reverse().toString();
  }

  private static long turnedBack(String digits) {
    return Long.parseLong(new StringBuilder(digits).reverse().toString());
  }
}
