package dev.culebra.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** One thread's packing buffers: a block of B, a panel of A, a tile, a row of zeros, scratch. */
final class GemmWorkspace {
  private static final long PAGE = 4096;

  /** Keeps the memory that the addresses below point into. */
  private final MemorySegment memory;

  final float[] tile;
  final long packedB;
  final long panelA;
  final long zeros;
  final long scratch;

  GemmWorkspace(GemmKernel kernel) {
    long columns = kernel.columns();
    long bytesB = 4L * (GemmSplit.MAX_PACKED + GemmSplit.MAX_DEPTH * columns);
    long bytesA = 4L * GemmSplit.MAX_DEPTH * GemmKernel.ROWS;
    long bytesZeros = 4L * columns;
    memory = Arena.ofAuto().allocate(bytesB + bytesA + bytesZeros + GemmKernel.SCRATCH, PAGE);
    tile = new float[GemmKernel.ROWS * kernel.columns()];
    packedB = memory.address();
    panelA = packedB + bytesB;
    zeros = panelA + bytesA;
    scratch = zeros + bytesZeros;
  }
}
