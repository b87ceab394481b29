package dev.culebra.cuda;

/** A mark in a {@link Stream}. */
public final class Event extends CudaObject {
  private final Handle handle;

  private Event(CudaContext context, Handle handle) {
    super(context, 0);
    this.handle = handle;
  }

  /** For order alone. */
  public static Event untimed(CudaContext context) {
    return new Event(context, context.driver().createEvent(false));
  }

  /** Also tells the time. */
  public static Event timed(CudaContext context) {
    return new Event(context, context.driver().createEvent(true));
  }

  Handle handle() {
    return handle;
  }

  /** Moves the mark behind all work of {@code stream} so far. */
  public void record(Stream stream) {
    driver().record(handle, stream.handle());
  }

  /** Waits until the work before the mark is done; asks first, since it mostly is. */
  public void await() {
    CudaDriver driver = driver();
    if (!driver.reached(handle)) {
      driver.synchronizeEvent(handle);
    }
  }

  /** Milliseconds between two timed events that were both reached. */
  public float millisecondsSince(Event earlier) {
    return driver().milliseconds(earlier.handle, handle);
  }

  @Override
  void release(CudaDriver driver) {
    driver.destroyEvent(handle);
  }
}
