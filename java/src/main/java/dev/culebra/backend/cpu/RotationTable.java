package dev.culebra.backend.cpu;

import dev.culebra.backend.Rotation;

/**
 * Cosines and sines of the angles of rotary positions: at position p, pair i of a head is rotated
 * by p · {@link Rotation#frequency}. Computed in double precision, once. Not thread-safe.
 */
final class RotationTable {
  private static final int LEAST_POSITIONS = 64;

  private final ScratchMemory memory;
  private long table;
  private Rotation rotation = Rotation.NONE;
  private int size;
  private int positions;

  /** Stores the table in {@code memory}. */
  RotationTable(ScratchMemory memory) {
    this.memory = memory;
  }

  /** Extends the table to all positions below {@code end} for heads of {@code size}. */
  void reach(Rotation rotation, int size, int end) {
    if (size == this.size && end <= positions && rotation.equals(this.rotation)) {
      return;
    }
    this.rotation = rotation;
    positions = Math.max(LEAST_POSITIONS, Integer.highestOneBit(Math.max(1, end - 1)) * 2);
    this.size = size;
    table = memory.floats((long) positions * size);
    for (int i = 0; i < size / 2; i++) {
      double frequency = rotation.frequency(i, size);
      for (int p = 0; p < positions; p++) {
        ScalarRowKernel.set(cos(p), i, (float) Math.cos(p * frequency));
        ScalarRowKernel.set(sin(p), i, (float) Math.sin(p * frequency));
      }
    }
  }

  /** Address of the D / 2 cosines of a position. */
  long cos(int position) {
    return table + 4L * size * position;
  }

  /** Address of the D / 2 sines of a position. */
  long sin(int position) {
    return cos(position) + 2L * size;
  }
}
