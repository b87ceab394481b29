package dev.culebra.backend.cpu;

/**
 * One thread's memory for one head of attention: the head's Q, K, V and dO as operands of the
 * products of {@link AttentionTiles}, and a block of queries of the score matrix. Grows to the
 * largest (T, D) seen. Not thread-safe.
 */
final class AttentionWorkspace {
  private static final int ROWS = GemmKernel.ROWS;
  private static final int BLOCK = AttentionKernel.BLOCK;
  private static final long ALIGNMENT = 64;

  private final ScratchMemory memory;
  private long next;

  /** K and V, depth D: panels of ROWS times. */
  long keyRows;

  long valueRows;

  /** K and V, depth T: panels of columns of D. */
  long keysAlong;

  long valuesAlong;

  /** A block of Q and dO, depth D: panels of times. */
  long queryColumns;

  long dOutColumns;

  /** A block of Q and dO, depth BLOCK: panels of columns of D. */
  long queriesAlong;

  long dOutAlong;

  /** (T, BLOCK), a column per query: probabilities, score gradients, dropout factors. */
  long probabilities;

  long dScores;

  long factors;

  /** A panel of ROWS rows and depth T or BLOCK. */
  long panel;

  /** A tile of a product. */
  long tile;

  /** {@link GemmKernel#SCRATCH} bytes. */
  long scratch;

  AttentionWorkspace(ScratchMemory memory) {
    this.memory = memory;
  }

  /**
   * Reserves memory for a head of size {@code d} over {@code t} times, with tiles {@code columns}
   * wide.
   */
  void reserve(int t, int d, int columns) {
    long bytes = layOut(0, t, d, columns);
    layOut(memory.bytes(bytes), t, d, columns);
  }

  /** Lays out the regions from {@code base} on; returns their total length. */
  private long layOut(long base, int t, int d, int columns) {
    long paddedT = Math.ceilDiv(t, ROWS) * ROWS;
    long paddedD = Math.ceilDiv(d, columns) * columns;
    next = base;
    keyRows = take(paddedT * d);
    valueRows = take(paddedT * d);
    keysAlong = take(t * paddedD);
    valuesAlong = take(t * paddedD);
    queryColumns = take((long) BLOCK * d);
    dOutColumns = take((long) BLOCK * d);
    queriesAlong = take(BLOCK * paddedD);
    dOutAlong = take(BLOCK * paddedD);
    probabilities = take(paddedT * BLOCK);
    dScores = take(paddedT * BLOCK);
    factors = take((paddedT + AttentionDropout.EXTRA_ROWS) * BLOCK);
    panel = take(ROWS * Math.max(paddedT, BLOCK));
    tile = take((long) ROWS * columns);
    scratch = take(GemmKernel.SCRATCH / 4);
    return next - base;
  }

  private long take(long floats) {
    long address = next;
    next = address + Math.ceilDiv(4 * floats, ALIGNMENT) * ALIGNMENT;
    return address;
  }
}
