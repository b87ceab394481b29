package dev.culebra.data;

import dev.culebra.options.Worded;
import dev.culebra.options.Wording;

/**
 * Data cannot be used: it is not UTF-8, too short, has tokens outside the vocabulary, and so on.
 * The message is one line that says what, where and what to do.
 */
public final class DataException extends RuntimeException implements Worded {
  private static final long serialVersionUID = 1L;

  private final transient Wording wording;

  public DataException(String message) {
    this(message, null);
  }

  public DataException(String message, Throwable cause) {
    this(Wording.plain(message), cause);
  }

  /**
   * @param cause or null
   */
  public DataException(Wording wording, Throwable cause) {
    super(wording.toString(), cause);
    this.wording = wording;
  }

  @Override
  public Wording wording() {
    return wording;
  }
}
