package dev.culebra.data;

/**
 * Data that the user named cannot be used: not UTF-8, too short, tokens outside the vocabulary …
 * The message is one line that says what, where and what to do.
 */
public final class DataException extends RuntimeException {
  public DataException(String message) {
    super(message);
  }

  public DataException(String message, Throwable cause) {
    super(message, cause);
  }
}
