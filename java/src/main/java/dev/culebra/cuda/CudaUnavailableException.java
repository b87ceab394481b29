package dev.culebra.cuda;

/** CUDA cannot be used on this machine; the message is one line that says why and what to do. */
public final class CudaUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public CudaUnavailableException(String message) {
    super(message);
  }

  /** The driver is there, but {@code cuInit} fails. */
  static CudaUnavailableException notStarting(String errorName, int status) {
    return new CudaUnavailableException(
        "the NVIDIA driver does not start: cuInit: %s (%d)%s"
            .formatted(errorName, status, CuInitErrors.meaning(status)));
  }
}
