package dev.culebra.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Off-heap memory that an operation keeps for itself and that grows to the largest size asked for,
 * so that a steady step allocates nothing. It is used by address: growing and closing free what was
 * there. Not thread-safe.
 */
final class ScratchMemory implements AutoCloseable {
  private static final long ALIGNMENT = 64;

  private Arena arena = Arena.ofShared();
  private MemorySegment memory = MemorySegment.NULL;

  /**
   * The address of at least {@code floats} floats: 0 at first, later what was last written there,
   * unless it had to grow.
   *
   * @throws IllegalStateException if it is closed
   */
  long floats(long floats) {
    return bytes(4 * floats);
  }

  /** The same in bytes. */
  long bytes(long bytes) {
    if (!arena.scope().isAlive()) {
      throw new IllegalStateException("the memory of a closed backend is used");
    }
    if (memory.byteSize() < bytes) {
      arena.close();
      arena = Arena.ofShared();
      memory = arena.allocate(bytes, ALIGNMENT);
    }
    return memory.address();
  }

  /** Bytes that it holds now. */
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
