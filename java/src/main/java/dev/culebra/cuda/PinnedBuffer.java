package dev.culebra.cuda;

import java.lang.foreign.MemorySegment;

/** Pinned host memory, which the GPU copies from and to asynchronously. */
public final class PinnedBuffer extends CudaObject {
  private final MemorySegment segment;

  public PinnedBuffer(CudaContext context, long bytes) {
    this(context, context.driver().allocatePinned(bytes));
  }

  private PinnedBuffer(CudaContext context, MemorySegment segment) {
    super(context, 0);
    this.segment = segment;
  }

  /** The memory; not to be used after {@link #close}. */
  public MemorySegment segment() {
    return segment;
  }

  @Override
  void release(CudaDriver driver) {
    driver.freePinned(segment);
  }
}
