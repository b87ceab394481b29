package dev.culebra.cuda;

import java.lang.foreign.MemorySegment;

/** A queue of work for the GPU, executed in order. */
public final class Stream extends CudaObject {
  private final Handle handle;
  private boolean overlapping;

  public Stream(CudaContext context) {
    this(context, context.driver().createStream());
  }

  private Stream(CudaContext context, Handle handle) {
    super(context, 0);
    this.handle = handle;
  }

  Handle handle() {
    return handle;
  }

  /**
   * Notes a launch of a kernel.
   *
   * @param canOverlap whether it can be overlapped
   * @return whether it may be: the kernel before it can be, too, and so writes no weights
   */
  boolean overlaps(boolean canOverlap) {
    boolean before = overlapping;
    overlapping = canOverlap;
    return before && canOverlap;
  }

  /** Copies host memory, which must not change until the copy is done, to the device. */
  public void upload(long to, MemorySegment from) {
    overlapping = false;
    driver().upload(to, from, handle);
  }

  /** Copies from the device to the host. */
  public void download(MemorySegment to, long from) {
    driver().download(to, from, handle);
  }

  /** Copies on the device. */
  public void copy(long to, long from, long bytes) {
    overlapping = false;
    driver().copy(to, from, bytes, handle);
  }

  /** Sets bytes to 0. */
  public void clear(long address, long bytes) {
    overlapping = false;
    driver().clear(address, bytes, handle);
  }

  /** Later work on this stream waits for {@code event}. */
  public void await(Event event) {
    driver().await(handle, event.handle());
  }

  /** Waits until all work is done. */
  public void synchronize() {
    driver().synchronize(handle);
  }

  /**
   * Records the work that {@code work} submits to this stream, instead of running it.
   *
   * @return the recorded work, which can be launched any number of times
   */
  public Graph capture(Runnable work) {
    CudaDriver driver = driver();
    overlapping = false;
    driver.beginCapture(handle);
    try {
      work.run();
    } catch (RuntimeException | Error e) {
      abandonCapture(driver, e);
      throw e;
    } finally {
      overlapping = false; // what was recorded has not run
    }
    return new Graph(context(), driver.endCapture(handle));
  }

  private void abandonCapture(CudaDriver driver, Throwable cause) {
    try {
      driver.destroyGraph(driver.endCapture(handle));
    } catch (CudaException e) {
      cause.addSuppressed(e);
    }
  }

  /** Launches captured work. */
  public void launch(Graph graph) {
    overlapping = false;
    driver().launchGraph(graph.handle(), handle);
  }

  @Override
  void release(CudaDriver driver) {
    driver.destroyStream(handle);
  }
}
