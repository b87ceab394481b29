package dev.culebra.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** One thread's packing buffers: a block of B, a panel of A, a tile, and a row of zeros. */
final class GemmWorkspace {
  private static final long PAGE = 4096;

  /** Keeps the memory that the addresses below point into. */
  private final MemorySegment memory;

  final long packedB;
  final long panelA;
  final long tile;
  final long zeros;

  GemmWorkspace(GemmKernel kernel) {
    long columns = kernel.columns();
    long bytesB = 4L * (GemmSplit.MAX_PACKED + GemmSplit.MAX_DEPTH * columns);
    long bytesA = 4L * GemmSplit.MAX_DEPTH * GemmKernel.ROWS;
    long bytesTile = 4L * GemmKernel.ROWS * columns;
    long slack = GemmKernel.PANEL_SLACK;
    memory = Arena.ofAuto().allocate(bytesB + bytesA + bytesTile + 4 * columns + 3 * slack, PAGE);
    packedB = memory.address();
    panelA = packedB + bytesB + slack;
    tile = panelA + bytesA + slack;
    zeros = tile + bytesTile + slack;
  }
}
