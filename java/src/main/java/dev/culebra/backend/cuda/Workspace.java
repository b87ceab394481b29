package dev.culebra.backend.cuda;

import dev.culebra.cuda.CudaContext;
import dev.culebra.cuda.DeviceBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Scratch memory shared by all kernels, which run one at a time. It grows to the largest request;
 * old memory is kept, since captured graphs use its address.
 */
final class Workspace implements AutoCloseable {
  private static final long LEAST_BYTES = 1 << 20;

  private final CudaContext context;
  private final Consumer<DeviceBuffer> prepare;
  private final List<DeviceBuffer> buffers = new ArrayList<>();

  /**
   * @param prepare what is done with new memory
   */
  Workspace(CudaContext context, Consumer<DeviceBuffer> prepare) {
    this.context = context;
    this.prepare = prepare;
  }

  /** Address of at least {@code bytes} bytes. */
  long address(long bytes) {
    if (buffers.isEmpty() || buffers.getLast().bytes() < bytes) {
      long size = Math.max(LEAST_BYTES, Long.highestOneBit(Math.max(1, bytes - 1)) << 1);
      buffers.add(DeviceMemory.allocate(context, size));
      prepare.accept(buffers.getLast());
    }
    return buffers.getLast().address();
  }

  int buffers() {
    return buffers.size();
  }

  @Override
  public void close() {
    buffers.forEach(DeviceBuffer::close);
    buffers.clear();
  }
}
