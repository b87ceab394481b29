package dev.culebra.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Off-heap memory of one operation that grows to the largest requested size, so that a steady step
 * allocates nothing. It is used by address: growing and closing free the old memory. Not
 * thread-safe.
 */
final class ScratchMemory implements AutoCloseable {
  private static final long ALIGNMENT = 64;

  private Arena arena = Arena.ofShared();
  private MemorySegment memory = MemorySegment.NULL;

  /**
   * The address of at least {@code floats} floats: initially 0, later with the last content unless
   * the memory had to grow.
   *
   * @throws IllegalStateException if it is closed
   */
  long floats(long floats) {
    return bytes(4 * floats);
  }

  /** The same in bytes. */
  long bytes(long bytes) {
    if (!arena.scope().isAlive()) {
      throw new IllegalStateException("the backend is closed");
    }
    if (memory.byteSize() < bytes) {
      arena.close();
      arena = Arena.ofShared();
      memory = arena.allocate(bytes, ALIGNMENT);
    }
    return memory.address();
  }

  /** Current size in bytes. */
  long size() {
    return arena.scope().isAlive() ? memory.byteSize() : 0;
  }

  /** Closing twice is harmless. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
