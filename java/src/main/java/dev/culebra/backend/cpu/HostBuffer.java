package dev.culebra.backend.cpu;

import dev.culebra.tensor.Buffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/** Off-heap memory of the CPU backend. */
final class HostBuffer implements Buffer {
  private static final long ALIGNMENT = 64;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment;
  private final Consumer<HostBuffer> onClose;

  HostBuffer(long bytes, Consumer<HostBuffer> onClose) {
    this.segment = arena.allocate(bytes, ALIGNMENT);
    this.onClose = onClose;
  }

  @Override
  public long bytes() {
    return segment.byteSize();
  }

  @Override
  public long address() {
    return segment.address();
  }

  @Override
  public MemorySegment segment() {
    return segment;
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
      onClose.accept(this);
    }
  }
}
