package dev.culebra.cuda;

/**
 * A resource of the driver with exactly one owner, which closes it. Closing twice is harmless. One
 * thread at a time.
 */
abstract class CudaObject implements AutoCloseable {
  private final CudaContext context;
  private final long deviceBytes;
  private boolean closed;

  CudaObject(CudaContext context, long deviceBytes) {
    this.context = context;
    this.deviceBytes = deviceBytes;
    context.opened(deviceBytes);
  }

  final CudaContext context() {
    return context;
  }

  /** The driver, ready for this thread. */
  final CudaDriver driver() {
    if (closed) {
      throw new IllegalStateException(getClass().getSimpleName() + " was closed");
    }
    return context.driver();
  }

  /** Returns it to the driver. */
  abstract void release(CudaDriver driver);

  @Override
  public final void close() {
    if (!closed) {
      closed = true;
      context.released(deviceBytes);
      release(context.driver());
    }
  }
}
