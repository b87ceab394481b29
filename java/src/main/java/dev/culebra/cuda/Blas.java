package dev.culebra.cuda;

/**
 * cuBLAS on one stream, with its own workspace so that its products can be captured into graphs.
 */
public final class Blas extends CudaObject {
  /**
   * The size that cuBLAS recommends for Hopper; older GPUs need less. With less than 4 MB, {@link
   * LtEpilogue#DGELU} uses an algorithm a third as fast.
   */
  private static final long WORKSPACE_BYTES = 32 << 20;

  private final Handle handle;
  private final DeviceBuffer workspace;

  public Blas(CudaContext context, Stream stream) {
    this(context, stream, context.blas().create());
  }

  private Blas(CudaContext context, Stream stream, Handle handle) {
    super(context, 0);
    this.handle = handle;
    workspace = context.allocate(WORKSPACE_BYTES);
    CudaBlas blas = context.blas();
    blas.setStream(handle, stream.handle());
    blas.setWorkspace(handle, workspace.address(), workspace.bytes());
  }

  /** The handle, for other products on the same stream. */
  DeviceBuffer workspace() {
    return workspace;
  }

  /** Version: 10000 · major + 100 · minor + patch. */
  public int version() {
    return context().blas().version(handle);
  }

  /** A matrix product on the stream. */
  public void gemm(GemmCall call) {
    context().blas().gemm(handle, call);
  }

  /** Several matrix products of one shape on the stream. */
  public void gemmBatch(GemmBatch batch) {
    context().blas().gemmBatch(handle, batch);
  }

  @Override
  void release(CudaDriver driver) {
    workspace.close();
    context().blas().destroy(handle);
  }
}
