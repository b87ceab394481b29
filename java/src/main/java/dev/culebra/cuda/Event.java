package dev.culebra.cuda;

/** A mark in a {@link Stream}. */
public final class Event extends CudaObject {
  /** Number of times the driver is polled, some microseconds in all, before the thread yields. */
  private static final int QUESTIONS = 50;

  private final Handle handle;

  private Event(CudaContext context, Handle handle) {
    super(context, 0);
    this.handle = handle;
  }

  /** An event without timing. */
  public static Event untimed(CudaContext context) {
    return new Event(context, context.driver().createEvent(false));
  }

  /** An event with timing. */
  public static Event timed(CudaContext context) {
    return new Event(context, context.driver().createEvent(true));
  }

  Handle handle() {
    return handle;
  }

  /** Moves the mark after all work on {@code stream} so far. */
  public void record(Stream stream) {
    driver().record(handle, stream.handle());
  }

  /** Waits until the work before the mark is done; polls a few times first, since it usually is. */
  public void await() {
    CudaDriver driver = driver();
    for (int i = 0; i < QUESTIONS; i++) {
      if (driver.reached(handle)) {
        return;
      }
      Thread.onSpinWait();
    }
    driver.synchronizeEvent(handle);
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
