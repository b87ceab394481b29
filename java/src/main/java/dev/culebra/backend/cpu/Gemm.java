package dev.culebra.backend.cpu;

import java.lang.ref.Reference;

/**
 * Matrix multiplication C = A · B, or C += A · B: blocks of the output shared among the threads of
 * a pool, packed operands, register tiles: the scheme of Goto and van de Geijn, "Anatomy of
 * High-Performance Matrix Multiplication" (2008). C is (M, N), row-major and dense; A and B are any
 * {@link GemmOperand}.
 *
 * <p>The cut depends on the shape alone and the depth is summed in one order, so results do not
 * depend on the number of threads. A product allocates nothing. One thread at a time.
 */
final class Gemm implements WorkerPool.Task {
  /** What is done with a finished stretch of the output while it is still in the cache. */
  interface Epilogue {
    void apply(int firstRow, int rows, int firstColumn, int columns);
  }

  private final WorkerPool pool;
  private final GemmKernel kernel;
  private final GemmWorkspace[] workspaces;
  private final GemmSplit split = new GemmSplit();

  private GemmOperand a;
  private GemmOperand b;
  private long c;
  private int n;
  private int k;
  private boolean accumulate;
  private long bias;
  private long rowSums;
  private Epilogue epilogue;

  Gemm(WorkerPool pool, GemmKernel kernel) {
    this.pool = pool;
    this.kernel = kernel;
    workspaces = new GemmWorkspace[pool.threads()];
    for (int i = 0; i < workspaces.length; i++) {
      workspaces[i] = new GemmWorkspace(kernel);
    }
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

  private void run(long c, GemmOperand a, GemmOperand b, int m, int n, int k) {
    this.a = a;
    this.b = b;
    this.c = c;
    this.n = n;
    this.k = k;
    split.set(m, n, k, kernel.columns());
    try {
      pool.run(this, split.blocks());
    } finally {
      Reference.reachabilityFence(this); // the workspaces are used by address only
    }
  }

  /** Computes one block of the output. */
  @Override
  public void run(int block) {
    int firstColumn = split.firstColumn(block);
    int columns = split.endColumn(block) - firstColumn;
    GemmWorkspace workspace = workspaces[pool.slot()];
    for (int from = 0; from < k; from += split.depth()) {
      int depth = Math.min(split.depth(), k - from);
      packB(workspace, firstColumn, columns, from, depth);
      int endRow = split.endRow(block);
      for (int row = split.firstRow(block); row < endRow; row += GemmKernel.ROWS) {
        int rows = Math.min(GemmKernel.ROWS, endRow - row);
        a.pack(
            kernel, workspace.panelA, GemmKernel.ROWS, row, rows, from, depth, workspace.scratch);
        if (rowSums != 0 && firstColumn == 0) {
          kernel.addPanelSums(rowSums + 4L * row, workspace.panelA, rows, depth, workspace.scratch);
        }
        multiplyRows(workspace, row, rows, firstColumn, columns, from, depth);
        if (epilogue != null && from + depth == k) {
          epilogue.apply(row, rows, firstColumn, columns);
        }
      }
    }
  }

  private void packB(GemmWorkspace workspace, int firstColumn, int columns, int from, int depth) {
    int width = kernel.columns();
    for (int j = 0; j < columns; j += width) {
      int count = Math.min(width, columns - j);
      b.pack(
          kernel,
          workspace.packedB + 4L * j * depth,
          width,
          firstColumn + j,
          count,
          from,
          depth,
          workspace.scratch);
    }
  }

  /** One panel of A with every panel of the block of B. */
  private void multiplyRows(
      GemmWorkspace workspace,
      int row,
      int rows,
      int firstColumn,
      int columns,
      int from,
      int depth) {
    int width = kernel.columns();
    boolean addToC = accumulate || from > 0;
    for (int j = 0; j < columns; j += width) {
      kernel.tile(workspace.tile, workspace.panelA, workspace.packedB + 4L * j * depth, depth);
      long column = 4L * (firstColumn + j);
      long to = c + 4L * n * row + column;
      long addend = addToC ? to : bias == 0 ? workspace.zeros : bias + column;
      long addendStride = addToC ? 4L * n : 0;
      int count = Math.min(width, columns - j);
      kernel.merge(to, 4L * n, addend, addendStride, workspace.tile, rows, count);
    }
  }
}
