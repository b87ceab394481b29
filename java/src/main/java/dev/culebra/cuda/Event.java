package dev.culebra.cuda;

/** A mark in a {@link Stream}. */
public final class Event extends CudaObject {
  /** So often is the driver asked, some microseconds in all, before the thread gives way. */
  private static final int QUESTIONS = 50;

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

  /** Waits until the work before the mark is done; asks a few times first, since it mostly is. */
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
