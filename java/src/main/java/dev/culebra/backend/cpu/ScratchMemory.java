package dev.culebra.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Off-heap memory that an operation keeps for itself and that grows to the largest size asked for,
 * so that a steady step allocates nothing. It lives as long as this object; whoever uses its
 * address must keep the object reachable. Not thread-safe.
 */
final class ScratchMemory {
  private static final long ALIGNMENT = 64;

  private MemorySegment memory = MemorySegment.NULL;

  /** The address of at least {@code floats} floats, whose values are undefined. */
  long floats(long floats) {
    if (memory.byteSize() < 4 * floats) {
      memory = Arena.ofAuto().allocate(4 * floats, ALIGNMENT);
    }
    return memory.address();
  }
}
