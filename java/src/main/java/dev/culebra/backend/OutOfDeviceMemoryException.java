package dev.culebra.backend;

import dev.culebra.options.Worded;
import dev.culebra.options.Wording;

/** A device has not enough free memory for an allocation. */
public final class OutOfDeviceMemoryException extends RuntimeException implements Worded {
  /** {@link #availableBytes} if it is not known. */
  public static final long UNKNOWN = -1;

  private static final long serialVersionUID = 1L;

  private final transient Wording wording;
  private final long availableBytes;

  public OutOfDeviceMemoryException(String message) {
    this(message, UNKNOWN, null);
  }

  /**
   * @param availableBytes device memory that is free or used by this backend
   * @param cause or null
   */
  public OutOfDeviceMemoryException(String message, long availableBytes, Throwable cause) {
    this(Wording.plain(message), availableBytes, cause);
  }

  /**
   * @param availableBytes device memory that is free or used by this backend
   * @param cause or null
   */
  public OutOfDeviceMemoryException(Wording wording, long availableBytes, Throwable cause) {
    super(wording.toString(), cause);
    this.wording = wording;
    this.availableBytes = availableBytes;
  }

  @Override
  public Wording wording() {
    return wording;
  }

  /** The most memory that this backend could use, or {@link #UNKNOWN}. */
  public long availableBytes() {
    return availableBytes;
  }
}
