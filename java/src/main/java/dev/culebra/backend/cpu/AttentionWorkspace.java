package dev.culebra.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One thread's memory for one head of attention: the head's K and V, packed for the products of
 * {@link AttentionCpu}, and a block of rows of the score matrix. Grows to the largest (T, D) seen.
 */
final class AttentionWorkspace {
  /** Query rows whose scores are held at once: a multiple of the tile's rows. */
  static final int BLOCK = 8 * GemmKernel.ROWS;

  private static final long ALIGNMENT = 64;
  private static final int REGIONS = 11;

  private MemorySegment memory = MemorySegment.NULL;
  private long next;

  /** Padded length of a row of scores, in floats. */
  int scoreStride;

  /** K and V, depth D, a column each time. */
  long keysAcross;

  long valuesAcross;

  /** K and V, depth T, a column each of D. */
  long keysAlong;

  long valuesAlong;

  /** BLOCK rows of Q and dO, depth BLOCK, a column each of D. */
  long queriesAlong;

  long dOutAlong;

  /** (BLOCK, scoreStride): probabilities, and gradients of scores. */
  long probabilities;

  long dScores;

  /** A panel of ROWS rows and depth T or D. */
  long panel;

  /** A tile of the products. */
  float[] tile = {};

  /** A row of zeros, as wide as a tile. */
  long zeros;

  /** {@link GemmKernel#SCRATCH} bytes. */
  long scratch;

  final int[] words = new int[4];

  /** Makes room for a head of size {@code d} over {@code t} times, tiles {@code columns} wide. */
  void reserve(int t, int d, int columns) {
    int paddedT = Math.ceilDiv(t, columns) * columns;
    int paddedD = Math.ceilDiv(d, columns) * columns;
    scoreStride = paddedT;
    long square = (long) paddedT * Math.max(d, paddedD);
    long floats =
        4 * square
            + 2L * BLOCK * paddedD
            + 2L * BLOCK * paddedT
            + (long) GemmKernel.ROWS * Math.max(Math.max(paddedT, paddedD), BLOCK)
            + columns;
    long slack = REGIONS * ALIGNMENT + GemmKernel.SCRATCH;
    if (memory.byteSize() < 4 * floats + slack) {
      memory = Arena.ofAuto().allocate(4 * floats + slack, ALIGNMENT);
    }
    next = memory.address();
    keysAcross = take(square);
    valuesAcross = take(square);
    keysAlong = take(square);
    valuesAlong = take(square);
    queriesAlong = take((long) BLOCK * paddedD);
    dOutAlong = take((long) BLOCK * paddedD);
    probabilities = take((long) BLOCK * paddedT);
    dScores = take((long) BLOCK * paddedT);
    panel = take((long) GemmKernel.ROWS * Math.max(Math.max(paddedT, paddedD), BLOCK));
    zeros = take(columns);
    scratch = take(GemmKernel.SCRATCH / 4);
    if (tile.length < GemmKernel.ROWS * columns) {
      tile = new float[GemmKernel.ROWS * columns];
    }
    RawMemory.ALL.asSlice(zeros, 4L * columns).fill((byte) 0);
  }

  private long take(long floats) {
    long address = next;
    next = address + Math.ceilDiv(4 * floats, ALIGNMENT) * ALIGNMENT;
    return address;
  }
}
