package dev.culebra.cuda;

/**
 * A GPU in use: its primary context, and the number of open resources in it. Any thread may use it,
 * one at a time, and one thread may use several in turn. Close its resources first.
 *
 * <p>The primary context itself lives until the process ends: creating one, with cuBLAS, takes a
 * large part of a second, and this way the next user of the GPU finds it ready.
 */
public final class CudaContext implements AutoCloseable {
  private static final int OLDEST_CAPABILITY = 80;

  private final Cuda cuda;
  private final int device;
  private final Handle context;
  private final String name;
  private final int multiprocessors;
  private final int sharedBytesOfMultiprocessor;
  private final int capability;
  private int liveObjects;
  private long liveBytes;
  private long peakBytes;
  private boolean closed;

  /**
   * Opens a GPU.
   *
   * @throws CudaUnavailableException if there is no such GPU, or it is too old
   */
  public CudaContext(Cuda cuda, int device) {
    this.cuda = cuda;
    this.device = device;
    CudaDriver driver = cuda.driver();
    int count = driver.deviceCount();
    if (device >= count) {
      throw new CudaUnavailableException(
          count == 0
              ? "no GPU: the driver shows none; CUDA_VISIBLE_DEVICES may hide it"
              : "no GPU cuda:%d: there are %d, from cuda:0".formatted(device, count));
    }
    name = driver.deviceName(device);
    capability =
        10 * driver.attribute(DeviceAttribute.CAPABILITY_MAJOR, device)
            + driver.attribute(DeviceAttribute.CAPABILITY_MINOR, device);
    if (capability < OLDEST_CAPABILITY) {
      throw new CudaUnavailableException(
          "%s has compute capability %d.%d, and the kernels need 8.0 or newer"
              .formatted(name, capability / 10, capability % 10));
    }
    multiprocessors = driver.attribute(DeviceAttribute.MULTIPROCESSORS, device);
    sharedBytesOfMultiprocessor =
        driver.attribute(DeviceAttribute.SHARED_BYTES_OF_A_MULTIPROCESSOR, device);
    context = driver.retainContext(device);
  }

  /**
   * The driver, with this context made current for the calling thread. The current context is
   * per-thread state of the driver that other code may change, so it is set each time; in a
   * training step that is once for the whole graph.
   */
  public CudaDriver driver() {
    if (closed) {
      throw new IllegalStateException("the CUDA context of %s was closed".formatted(name));
    }
    cuda.driver().makeCurrent(context);
    return cuda.driver();
  }

  /** cuBLAS, with this context made current. */
  public CudaBlas blas() {
    driver();
    return cuda.blas();
  }

  /**
   * cublasLt, with this context made current.
   *
   * @throws CudaUnavailableException if there is none
   */
  public CudaBlasLt blasLt() {
    driver();
    if (cuda.blasLt() == null) {
      throw new CudaUnavailableException("cublasLt is not there: " + cuda.libraries());
    }
    return cuda.blasLt();
  }

  /** How CUDA is called. */
  public Cuda cuda() {
    return cuda;
  }

  /** The GPU's name. */
  public String name() {
    return name;
  }

  /** Its number, from 0. */
  public int device() {
    return device;
  }

  /** Number of multiprocessors. */
  public int multiprocessors() {
    return multiprocessors;
  }

  /** Shared memory of a multiprocessor for all its blocks, in bytes. */
  public int sharedBytesOfMultiprocessor() {
    return sharedBytesOfMultiprocessor;
  }

  /** Compute capability: 10 · major + minor. */
  public int capability() {
    return capability;
  }

  /**
   * Device memory, not cleared.
   *
   * @throws CudaException if there is not enough, {@link CudaException#isOutOfMemory}
   */
  public DeviceBuffer allocate(long bytes) {
    return new DeviceBuffer(this, driver().allocate(bytes), bytes);
  }

  /** Free memory of the GPU, in bytes. */
  public long freeMemory() {
    return driver().freeMemory();
  }

  /** Records an open resource. */
  void opened(long bytes) {
    liveObjects++;
    liveBytes += bytes;
    peakBytes = Math.max(peakBytes, liveBytes);
  }

  /** Records that it was closed. */
  void released(long bytes) {
    liveObjects--;
    liveBytes -= bytes;
  }

  /** Number of open resources of this context. */
  public int liveObjects() {
    return liveObjects;
  }

  /** Device memory in use, in bytes. */
  public long liveBytes() {
    return liveBytes;
  }

  /** The peak of {@link #liveBytes}. */
  public long peakBytes() {
    return peakBytes;
  }

  /** Ends its use; the driver keeps it for the next user. */
  @Override
  public void close() {
    closed = true;
  }
}
