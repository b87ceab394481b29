package dev.culebra.data;

/**
 * Data that a user names, and how it is read.
 *
 * @param data a name or a path ({@link Corpora})
 * @param holdout which part of it is for validation
 * @param special whether what special tokens are written as, such as {@code <|endoftext|>} in a
 *     text, is those tokens
 * @param skipUnknown whether characters of a text that a model does not know are left out
 */
public record DataSpec(String data, Holdout holdout, boolean special, boolean skipUnknown) {
  /** Data with the default settings. */
  public static DataSpec of(String data) {
    return new DataSpec(data, Holdout.DEFAULT, false, false);
  }

  /** With another validation part. */
  public DataSpec with(Holdout other) {
    return new DataSpec(data, other, special, skipUnknown);
  }

  /** With or without characters that a model does not know. */
  public DataSpec skipUnknown(boolean skip) {
    return new DataSpec(data, holdout, special, skip);
  }

  /** Other data that is read in the same way, with the default validation part. */
  public DataSpec withData(String other) {
    return new DataSpec(other, Holdout.DEFAULT, special, skipUnknown);
  }
}
