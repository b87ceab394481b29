package dev.culebra.backend.cpu;

/**
 * How a product of M × N × K is cut into blocks of the output, the unit of parallel work, and into
 * stretches of the depth. Depends on the shape alone. Refilled for each product.
 *
 * <p>A block of the output packs its own stretch of B (which must stay in the L2 cache) and its
 * rows of A. Packing costs 1/rows + 1/columns of the multiplications, so blocks want to be large;
 * threads want several each.
 */
final class GemmSplit {
  /** Longest stretch of the depth: a panel of A (24 KB) then fits into a 32 KB L1 cache. */
  static final int MAX_DEPTH = 512;

  /** Stretches but the last are a multiple of this, which packs fastest. */
  private static final int DEPTH_STEP = 16;

  /** Most floats of B in a block: 512 KB, half of a 1 MB L2 cache. */
  static final int MAX_PACKED = 128 * 1024;

  private static final int MAX_ROWS = 384;
  private static final int MIN_ROWS = 96;
  private static final int MIN_COLUMNS = 64;

  /** Blocks wanted where the shape allows. */
  private static final int BLOCKS = 8;

  /** Below this many multiplications handing work to a thread costs more than it brings. */
  private static final long SEQUENTIAL = 1 << 19;

  private int m;
  private int n;
  private int k;
  private int rowTiles;
  private int columnTiles;
  private int rowBlocks;
  private int columnBlocks;
  private int columnsPerTile;
  private int depth;

  /** Cuts anew, into tiles of {@link GemmKernel#ROWS} × {@code columns}. */
  void set(int m, int n, int k, int columns) {
    this.m = m;
    this.n = n;
    this.k = k;
    columnsPerTile = columns;
    rowTiles = ceilDiv(m, GemmKernel.ROWS);
    columnTiles = ceilDiv(n, columns);
    depth = ceilDiv(ceilDiv(k, ceilDiv(k, MAX_DEPTH)), DEPTH_STEP) * DEPTH_STEP;
    columnBlocks = ceilDiv(columnTiles, Math.max(1, MAX_PACKED / depth / columns));
    rowBlocks = ceilDiv(m, MAX_ROWS);
    if ((long) m * n * k <= SEQUENTIAL) {
      return;
    }
    while (rowBlocks * columnBlocks < BLOCKS) {
      boolean rowsMaySplit = m / (rowBlocks + 1) >= MIN_ROWS;
      boolean columnsMaySplit = n / (columnBlocks + 1) >= MIN_COLUMNS;
      if (rowsMaySplit && (!columnsMaySplit || m / rowBlocks >= n / columnBlocks)) {
        rowBlocks++;
      } else if (columnsMaySplit) {
        columnBlocks++;
      } else {
        return;
      }
    }
  }

  private static int ceilDiv(int a, int b) {
    return Math.ceilDiv(a, b);
  }

  /** Number of blocks of the output. */
  int blocks() {
    return rowBlocks * columnBlocks;
  }

  /** Longest stretch of the depth. */
  int depth() {
    return depth;
  }

  /** First row of block {@code i}; that of the next is the end. */
  int firstRow(int i) {
    return firstRowOf(i % rowBlocks);
  }

  int endRow(int i) {
    return firstRowOf(i % rowBlocks + 1);
  }

  int firstColumn(int i) {
    return firstColumnOf(i / rowBlocks);
  }

  int endColumn(int i) {
    return firstColumnOf(i / rowBlocks + 1);
  }

  private int firstRowOf(int block) {
    return Math.min(m, (int) ((long) rowTiles * block / rowBlocks) * GemmKernel.ROWS);
  }

  private int firstColumnOf(int block) {
    return Math.min(n, (int) ((long) columnTiles * block / columnBlocks) * columnsPerTile);
  }
}
