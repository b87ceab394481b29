package dev.culebra.backend.cpu;

/**
 * How a product of M × N × K is split: into stretches of the depth and chunks of rows and columns,
 * whose operands are packed together, and each chunk into parts, the units of parallel work.
 * Depends only on the shape. Reused for every product.
 */
final class GemmSplit {
  /** Longest stretch of the depth: a panel of A (24 KB) then fits into a 32 KB L1 cache. */
  static final int MAX_DEPTH = 512;

  /** All stretches except the last are a multiple of this, which packs fastest. */
  private static final int DEPTH_STEP = 16;

  /** Most floats of one operand in a chunk: 4 MB, which fits easily into two threads' L3 cache. */
  static final int MAX_PACKED = 1 << 20;

  /** Most floats of B that a part reads: 512 KB, half of a 1 MB L2 cache. */
  static final int MAX_PART = 1 << 17;

  /** Below this many multiplications, handing work to another thread does not pay off. */
  private static final long SEQUENTIAL = 1 << 19;

  private int depth;
  private int chunkRows;
  private int chunkColumns;
  private int partColumns;
  private boolean sequential;

  /** Splits a product into tiles of {@link GemmKernel#ROWS} × {@code columns}. */
  void set(int m, int n, int k, int columns) {
    depth = Math.ceilDiv(Math.ceilDiv(k, Math.ceilDiv(k, MAX_DEPTH)), DEPTH_STEP) * DEPTH_STEP;
    chunkRows = evenly(m, MAX_PACKED / depth, GemmKernel.ROWS);
    chunkColumns = evenly(n, MAX_PACKED / depth, columns);
    partColumns = evenly(Math.min(n, chunkColumns), MAX_PART / depth, columns);
    sequential = (long) m * n * k <= SEQUENTIAL;
  }

  /** The size of equal parts of {@code size}: a multiple of {@code unit}, at most {@code limit}. */
  private static int evenly(int size, int limit, int unit) {
    int most = Math.max(1, limit / unit);
    int units = Math.ceilDiv(size, unit);
    return Math.ceilDiv(units, Math.ceilDiv(units, most)) * unit;
  }

  /** Longest stretch of the depth. */
  int depth() {
    return depth;
  }

  /** Most rows of a chunk, a multiple of a tile's. */
  int chunkRows() {
    return chunkRows;
  }

  /** Most columns of a chunk, a multiple of a tile's. */
  int chunkColumns() {
    return chunkColumns;
  }

  /** Most columns of a part, a multiple of a tile's. Its rows are those of one tile. */
  int partColumns() {
    return partColumns;
  }

  /** Whether the product is too small to share among threads. */
  boolean isSequential() {
    return sequential;
  }
}
