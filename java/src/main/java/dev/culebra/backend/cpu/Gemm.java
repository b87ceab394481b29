package dev.culebra.backend.cpu;

/**
 * Matrix multiplication C = A · B, or C += A · B, with packed operands and register tiles as in
 * Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008). The threads of
 * a pool first pack both operands of a chunk together, then share its tiles. C is (M, N), row-major
 * and dense; A and B are any {@link GemmOperand}.
 *
 * <p>The split depends only on the shape, and the depth is summed in a fixed order, so results do
 * not depend on the number of threads. A steady product allocates nothing. One thread at a time.
 */
final class Gemm {
  /** Work on a finished part of the output while it is still in the cache. */
  interface Epilogue {
    void apply(int firstRow, int rows, int firstColumn, int columns);
  }

  private final WorkerPool pool;
  private final GemmKernel kernel;
  private final ScratchMemory[] scratch;
  private final ScratchMemory[] tileBuffers;
  private final ScratchMemory memoryA;
  private final ScratchMemory memoryB;
  private final GemmSplit split = new GemmSplit();
  private final WorkerPool.Task packing = this::pack;
  private final WorkerPool.Task multiplying = this::multiplyPart;
  private final WorkerPool.Task summing = this::addPanelSums;

  private GemmOperand a;
  private GemmOperand b;
  private long c;
  private int n;
  private int k;
  private boolean accumulate;
  private long bias;
  private long rowSums;
  private Epilogue epilogue;

  // The chunk: its position in the product, its packed operands and its parts.
  private int firstRow;
  private int rows;
  private int firstColumn;
  private int columns;
  private int from;
  private int depth;
  private long panelsA;
  private long panelsB;
  private int rowTiles;

  Gemm(WorkerPool pool, GemmKernel kernel) {
    this.pool = pool;
    this.kernel = kernel;
    memoryA = pool.scratch();
    memoryB = pool.scratch();
    scratch = pool.scratchOfEach();
    tileBuffers = pool.scratchOfEach();
  }

  /**
   * C = A · B + bias, then the epilogue.
   *
   * @param bias address of N numbers, 0 for none
   * @param epilogue null for none
   */
  void multiply(
      long c, GemmOperand a, GemmOperand b, int m, int n, int k, long bias, Epilogue epilogue) {
    this.accumulate = false;
    this.bias = bias;
    this.rowSums = 0;
    this.epilogue = epilogue;
    run(c, a, b, m, n, k);
  }

  /**
   * C += A · B; rowSums += row sums of A.
   *
   * @param rowSums address of M numbers, 0 for none
   */
  void multiplyAdd(long c, long rowSums, GemmOperand a, GemmOperand b, int m, int n, int k) {
    this.accumulate = true;
    this.bias = 0;
    this.rowSums = rowSums;
    this.epilogue = null;
    run(c, a, b, m, n, k);
  }

  /**
   * rowSums += row sums of A (M, K), with the bits of {@link #multiplyAdd}: the same stretches of
   * the depth, in order.
   */
  void addRowSums(long rowSums, GemmOperand a, int m, int k) {
    this.a = a;
    this.rowSums = rowSums;
    split.set(m, 1, k, kernel.columns());
    rows = m;
    for (from = 0; from < k; from += split.depth()) {
      depth = Math.min(split.depth(), k - from);
      pool.run(summing, Math.ceilDiv(m, GemmKernel.ROWS));
    }
  }

  private void addPanelSums(int panel) {
    int row = panel * GemmKernel.ROWS;
    int count = Math.min(GemmKernel.ROWS, rows - row);
    long to = tileBuffers[pool.slot()].floats((long) GemmKernel.ROWS * depth);
    a.pack(kernel, to, GemmKernel.ROWS, row, count, from, depth, threadScratch());
    kernel.addPanelSums(rowSums + 4L * row, to, count, depth, threadScratch());
  }

  private void run(long c, GemmOperand a, GemmOperand b, int m, int n, int k) {
    this.a = a;
    this.b = b;
    this.c = c;
    this.n = n;
    this.k = k;
    split.set(m, n, k, kernel.columns());
    panelsA = memoryA.floats((long) split.chunkRows() * split.depth());
    panelsB = memoryB.floats((long) split.chunkColumns() * split.depth());
    for (from = 0; from < k; from += split.depth()) {
      depth = Math.min(split.depth(), k - from);
      for (firstRow = 0; firstRow < m; firstRow += split.chunkRows()) {
        rows = Math.min(split.chunkRows(), m - firstRow);
        rowTiles = Math.ceilDiv(rows, GemmKernel.ROWS);
        runRows();
      }
    }
  }

  /** The chunks of one group of rows: A is packed with the first of them. */
  private void runRows() {
    for (firstColumn = 0; firstColumn < n; firstColumn += split.chunkColumns()) {
      columns = Math.min(split.chunkColumns(), n - firstColumn);
      int panelsOfA = firstColumn == 0 ? rowTiles : 0;
      run(packing, Math.ceilDiv(columns, kernel.columns()) + panelsOfA);
      run(multiplying, rowTiles * Math.ceilDiv(columns, split.partColumns()));
    }
  }

  private void run(WorkerPool.Task task, int count) {
    if (split.isSequential()) {
      for (int i = 0; i < count; i++) {
        task.run(i);
      }
    } else {
      pool.run(task, count);
    }
  }

  /** Packs a panel: those of B come first, then those of A. */
  private void pack(int panel) {
    long scratch = threadScratch();
    int width = kernel.columns();
    int panelsOfB = Math.ceilDiv(columns, width);
    if (panel < panelsOfB) {
      int column = panel * width;
      int count = Math.min(width, columns - column);
      long to = panelsB + 4L * column * depth;
      b.pack(kernel, to, width, firstColumn + column, count, from, depth, scratch);
    } else {
      int row = (panel - panelsOfB) * GemmKernel.ROWS;
      int count = Math.min(GemmKernel.ROWS, rows - row);
      long to = panelsA + 4L * row * depth;
      a.pack(kernel, to, GemmKernel.ROWS, firstRow + row, count, from, depth, scratch);
      if (rowSums != 0) {
        kernel.addPanelSums(rowSums + 4L * (firstRow + row), to, count, depth, scratch);
      }
    }
  }

  /**
   * Multiplies one panel of A with the panels of B in a part. Whole tiles without an addend go
   * straight into C, others into a buffer first, whose rows are then added.
   */
  private void multiplyPart(int part) {
    int row = part % rowTiles * GemmKernel.ROWS;
    int count = Math.min(GemmKernel.ROWS, rows - row);
    int column = part / rowTiles * split.partColumns();
    int end = Math.min(columns, column + split.partColumns());
    int width = kernel.columns();
    long stride = 4L * n;
    long to = c + stride * (firstRow + row) + 4L * (firstColumn + column);
    boolean addToC = accumulate || from > 0;
    boolean whole = count == GemmKernel.ROWS && (end - column) % width == 0;
    boolean direct = whole && !addToC && bias == 0;
    long tiles = direct ? to : tileBuffer();
    long tileStride = direct ? stride : 4L * split.partColumns();
    long panelA = panelsA + 4L * row * depth;
    for (int j = column; j < end; j += width) {
      long panelB = panelsB + 4L * j * depth;
      kernel.tile(tiles + 4L * (j - column), tileStride, panelA, panelB, depth);
    }
    if (!direct) {
      long once = bias == 0 ? 0 : bias + 4L * (firstColumn + column);
      kernel.merge(
          to,
          stride,
          addToC ? to : once,
          addToC ? stride : 0,
          tiles,
          tileStride,
          count,
          end - column);
    }
    if (epilogue != null && from + depth == k) {
      epilogue.apply(firstRow + row, count, firstColumn + column, end - column);
    }
  }

  private long tileBuffer() {
    return tileBuffers[pool.slot()].floats((long) GemmKernel.ROWS * split.partColumns());
  }

  private long threadScratch() {
    return scratch[pool.slot()].floats(GemmKernel.SCRATCH / 4);
  }
}
