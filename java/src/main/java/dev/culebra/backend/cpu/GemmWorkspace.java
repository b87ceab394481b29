package dev.culebra.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** One thread's packing buffers: a block of B, a panel of A, a tile, a row of zeros, scratch. */
final class GemmWorkspace {
  private static final long PAGE = 4096;

  /** Keeps the memory that the addresses below point into. */
  private final MemorySegment memory;

  final long packedB;
  final long panelA;
  final long tile;
  final long zeros;
  final long scratch;

  GemmWorkspace(GemmKernel kernel) {
    long columns = kernel.columns();
    long bytesB = 4L * (GemmSplit.MAX_PACKED + GemmSplit.MAX_DEPTH * columns);
    long bytesA = 4L * GemmSplit.MAX_DEPTH * GemmKernel.ROWS;
    long bytesTile = 4L * GemmKernel.ROWS * columns;
    long bytesZeros = 4L * columns;
    memory =
        Arena.ofAuto()
            .allocate(bytesB + bytesA + bytesTile + bytesZeros + GemmKernel.SCRATCH, PAGE);
    packedB = memory.address();
    panelA = packedB + bytesB;
    tile = panelA + bytesA;
    zeros = tile + bytesTile;
    scratch = zeros + bytesZeros;
  }
}
