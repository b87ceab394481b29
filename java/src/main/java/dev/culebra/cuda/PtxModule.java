package dev.culebra.cuda;

/** A file of PTX, compiled for the GPU. */
final class PtxModule extends CudaObject {
  private final Handle handle;

  /**
   * Compiles it.
   *
   * @throws CudaException with the compiler's log if that fails
   */
  PtxModule(CudaContext context, String name, byte[] ptx) {
    this(context, context.driver().loadModule(name, ptx));
  }

  private PtxModule(CudaContext context, Handle handle) {
    super(context, 0);
    this.handle = handle;
  }

  Handle function(String entry) {
    return driver().function(handle, entry);
  }

  @Override
  void release(CudaDriver driver) {
    driver.unloadModule(handle);
  }
}
