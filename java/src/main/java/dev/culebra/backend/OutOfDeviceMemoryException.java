package dev.culebra.backend;

/** A device has not enough free memory for an allocation. */
public final class OutOfDeviceMemoryException extends RuntimeException {
  /** Of {@link #availableBytes}. */
  public static final long UNKNOWN = -1;

  private static final long serialVersionUID = 1L;

  private final long availableBytes;

  public OutOfDeviceMemoryException(String message) {
    this(message, UNKNOWN, null);
  }

  /**
   * @param availableBytes what this backend has of the device and what nobody has
   * @param cause or null
   */
  public OutOfDeviceMemoryException(String message, long availableBytes, Throwable cause) {
    super(message, cause);
    this.availableBytes = availableBytes;
  }

  /** What this backend could have in all, or {@link #UNKNOWN}. */
  public long availableBytes() {
    return availableBytes;
  }
}
