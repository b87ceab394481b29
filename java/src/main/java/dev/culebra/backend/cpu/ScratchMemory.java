package dev.culebra.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Off-heap memory that an operation keeps for itself and that grows to the largest size asked for,
 * so that a steady step allocates nothing. It lives as long as this object; whoever uses its
 * address must keep the object reachable. Not thread-safe.
 */
final class ScratchMemory {
  private static final long ALIGNMENT = 64;

  private MemorySegment memory = MemorySegment.NULL;

  /** One for each thread of the pool, by its slot. */
  static ScratchMemory[] each(WorkerPool pool) {
    ScratchMemory[] scratch = new ScratchMemory[pool.threads()];
    Arrays.setAll(scratch, slot -> new ScratchMemory());
    return scratch;
  }

  /**
   * The address of at least {@code floats} floats: 0 at first, later what was last written there.
   */
  long floats(long floats) {
    if (memory.byteSize() < 4 * floats) {
      memory = Arena.ofAuto().allocate(4 * floats, ALIGNMENT);
    }
    return memory.address();
  }
}
