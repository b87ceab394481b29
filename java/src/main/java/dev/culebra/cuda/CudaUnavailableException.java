package dev.culebra.cuda;

/** CUDA cannot be used on this machine; the message is one line that says why and what to do. */
public final class CudaUnavailableException extends RuntimeException {
  /** CUDA_ERROR_NO_DEVICE. */
  private static final int NO_DEVICE = 100;

  private static final long serialVersionUID = 1L;

  private final String problem;

  public CudaUnavailableException(String message) {
    super(message);
    problem = message;
  }

  /** The message is the two parts, separated by a semicolon. */
  CudaUnavailableException(String problem, String remedy) {
    super(problem + "; " + remedy);
    this.problem = problem;
  }

  /** The message without the remedy. */
  public String problem() {
    return problem;
  }

  /** The driver can be loaded, but {@code cuInit} fails. */
  static CudaUnavailableException notStarting(String errorName, int status) {
    if (status == NO_DEVICE) {
      return new CudaUnavailableException(
          "no GPU: the driver shows none", "CUDA_VISIBLE_DEVICES may hide it");
    }
    return new CudaUnavailableException(
        "the NVIDIA driver does not start: cuInit: %s (%d)%s"
            .formatted(errorName, status, CuInitErrors.meaning(status)));
  }
}
