package dev.culebra.data;

import dev.culebra.random.RandomStream;
import java.math.BigDecimal;
import java.math.RoundingMode;

/**
 * Which part of the data is for validation and never trained on. It depends only on the data and on
 * these values, not on a seed, so every run has the same part.
 *
 * @param rule how the part is chosen
 * @param fraction how much it is, above 0 and below 1
 * @param data a name or path of other data to validate on instead; empty if there is none
 */
public record Holdout(Rule rule, float fraction, String data) {
  /** The last tenth of every file. */
  public static final Holdout DEFAULT = new Holdout(Rule.FILES, 0.1f, "");

  /** The stream of the random numbers that choose documents. */
  private static final int STREAM = 0x45000000;

  /** How a part of the data is chosen. */
  public enum Rule {
    /** The last tokens of every file. */
    FILES,
    /** Whole documents, drawn at random: files, or lines of a {@code .jsonl}. */
    DOCUMENTS,
    /**
     * The last tokens of all; of a folder its .txt, .text and .md files are read, and its other
     * files are not. Versions before 2026-11-28 read all data like this.
     */
    END
  }

  public Holdout {
    if (!(fraction > 0 && fraction < 1)) {
      throw new IllegalArgumentException("no part of all: " + fraction);
    }
  }

  /** Whether the validation part is other data. */
  public boolean isOtherData() {
    return !data.isEmpty();
  }

  /** Whether this is a default, of this version or of an earlier one. */
  boolean isUsual() {
    return !isOtherData() && fraction == DEFAULT.fraction && rule != Rule.DOCUMENTS;
  }

  /** How many of {@code count} tokens come before the held-out ones: rounded down. */
  long kept(long count) {
    return BigDecimal.ONE
        .subtract(exactFraction())
        .multiply(BigDecimal.valueOf(count))
        .setScale(0, RoundingMode.FLOOR)
        .longValueExact();
  }

  /** How many of {@code count} lines are held out: rounded down, but at least one. */
  int held(int count) {
    return Math.max(1, exactFraction().multiply(BigDecimal.valueOf(count)).intValue());
  }

  /**
   * Whether a document is held out, by its number: one of every 1 / fraction successive documents
   * is drawn.
   */
  boolean holds(long document) {
    long group = exactFraction().multiply(BigDecimal.valueOf(document)).longValue();
    long first = firstOf(group);
    long size = firstOf(group + 1) - first;
    return document - first == new RandomStream(0, STREAM, (int) group).nextLong(size);
  }

  /** The first document whose number times the fraction is at least {@code group}. */
  private long firstOf(long group) {
    return BigDecimal.valueOf(group)
        .divide(exactFraction(), 0, RoundingMode.CEILING)
        .longValueExact();
  }

  /** The fraction as it is written, 0.1, not the nearest binary number. */
  private BigDecimal exactFraction() {
    return new BigDecimal(Float.toString(fraction));
  }

  /**
   * Which part of the data it is, in words.
   *
   * @param files how many files the data is in
   */
  public String describe(int files) {
    if (isOtherData()) {
      return data;
    }
    String percent = exactFraction().movePointRight(2).stripTrailingZeros().toPlainString() + " %";
    return switch (rule) {
      case DOCUMENTS -> "%s of the documents, drawn at random".formatted(percent);
      case FILES -> "the last %s%s".formatted(percent, files == 1 ? "" : " of every file");
      case END -> "the last %s%s".formatted(percent, files == 1 ? "" : " of all");
    };
  }
}
