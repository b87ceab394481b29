package dev.culebra.cuda;

/** A call to the driver or to cuBLAS that failed; the message names the call and the error. */
public final class CudaException extends RuntimeException {
  /** CUDA_ERROR_OUT_OF_MEMORY. */
  private static final int OUT_OF_MEMORY = 2;

  /** CUDA_ERROR_NOT_READY: an answer, not a failure. */
  static final int NOT_READY = 600;

  private static final long serialVersionUID = 1L;

  private final int status;

  /**
   * @param call the function and its arguments, as text
   * @param status its return value
   * @param name the name of the status
   */
  public CudaException(String call, int status, String name) {
    super("%s: %s (%d)".formatted(call, name, status));
    this.status = status;
  }

  private CudaException(String message, int status, CudaException cause) {
    super(message, cause);
    this.status = status;
  }

  /** The call's return value, a CUresult or a cublasStatus_t. */
  public int status() {
    return status;
  }

  /** Whether a call to the driver found too little device memory. */
  public boolean isOutOfMemory() {
    return status == OUT_OF_MEMORY;
  }

  /** The same with the kernel's name in the message. */
  CudaException of(String kernel) {
    return new CudaException(kernel + ": " + getMessage(), status, this);
  }
}
