package dev.culebra.cuda;

import dev.culebra.tensor.Buffer;
import java.lang.foreign.MemorySegment;

/** Memory of a GPU. */
public final class DeviceBuffer extends CudaObject implements Buffer {
  private final long address;
  private final long bytes;

  DeviceBuffer(CudaContext context, long address, long bytes) {
    super(context, bytes);
    this.address = address;
    this.bytes = bytes;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public long address() {
    return address;
  }

  @Override
  public MemorySegment segment() {
    throw new IllegalStateException("the memory is on the GPU: use Backend.readBlocking");
  }

  @Override
  void release(CudaDriver driver) {
    driver.free(address);
  }
}
