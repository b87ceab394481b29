package dev.culebra.backend;

import dev.culebra.options.Worded;
import dev.culebra.options.Wording;

/** A device has not enough free memory for an allocation. */
public final class OutOfDeviceMemoryException extends RuntimeException implements Worded {
  /** Of {@link #availableBytes}. */
  public static final long UNKNOWN = -1;

  private static final long serialVersionUID = 1L;

  private final transient Wording wording;
  private final long availableBytes;

  public OutOfDeviceMemoryException(String message) {
    this(message, UNKNOWN, null);
  }

  /**
   * @param availableBytes what this backend has of the device and what nobody has
   * @param cause or null
   */
  public OutOfDeviceMemoryException(String message, long availableBytes, Throwable cause) {
    this(Wording.plain(message), availableBytes, cause);
  }

  /**
   * @param availableBytes what this backend has of the device and what nobody has
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

  /** What this backend could have in all, or {@link #UNKNOWN}. */
  public long availableBytes() {
    return availableBytes;
  }
}
