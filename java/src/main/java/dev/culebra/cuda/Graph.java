package dev.culebra.cuda;

/** Work captured from a {@link Stream}; launching it costs about as much as one kernel. */
public final class Graph extends CudaObject {
  private final Handle handle;

  Graph(CudaContext context, Handle handle) {
    super(context, 0);
    this.handle = handle;
  }

  Handle handle() {
    return handle;
  }

  @Override
  void release(CudaDriver driver) {
    driver.destroyGraph(handle);
  }
}
