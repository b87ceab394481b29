package dev.culebra.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What one thread needs for itself in a product: a tile, a row of zeros, scratch. */
final class GemmWorkspace {
  private static final long ALIGNMENT = 64;

  /** Keeps the memory that the addresses below point into. */
  private final MemorySegment memory;

  final float[] tile;
  final long zeros;
  final long scratch;

  GemmWorkspace(GemmKernel kernel) {
    long bytesZeros = 4L * kernel.columns();
    memory = Arena.ofAuto().allocate(bytesZeros + GemmKernel.SCRATCH, ALIGNMENT);
    tile = new float[GemmKernel.ROWS * kernel.columns()];
    zeros = memory.address();
    scratch = zeros + bytesZeros;
  }
}
