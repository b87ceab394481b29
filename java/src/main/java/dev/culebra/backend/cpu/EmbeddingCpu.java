package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culebra.backend.EmbeddingOp;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;

/**
 * Sum of a token's and a position's row, and its backward pass. Backward is split by columns and
 * each part goes through all rows in order: no two threads add to the same number, and the order of
 * the sums is fixed. Allocates nothing. One thread at a time.
 */
final class EmbeddingCpu extends EmbeddingOp {
  private static final int ROWS_PER_PART = 16;

  /** Two cache lines of each row. */
  private static final int COLUMNS_PER_PART = 32;

  private final WorkerPool pool;
  private final RowKernel kernels;
  private final WeightRows floats;
  private final WorkerPool.Task forwardRows = this::forwardRows;
  private final WorkerPool.Task backwardColumns = this::backwardColumns;
  private long out;
  private long tokens;
  private WeightRows table;
  private long tokenGradient;
  private long positionTable;
  private int offset;
  private int rows;
  private int t;
  private int c;

  EmbeddingCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
    floats = new WeightRows(pool, kernels);
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if a token or a position is outside its table
   */
  @Override
  protected void runForward(
      Tensor out, Tensor tokens, Tensor tokenTable, Tensor positionTable, Tensor offset) {
    floats.set(tokenTable);
    forward("embeddingForward", out, tokens, floats, positionTable, offset);
  }

  /** The same with a table in any format. */
  void forward(
      String op,
      Tensor out,
      Tensor tokens,
      WeightRows tokenTable,
      Tensor positionTable,
      Tensor offset) {
    set(op, out, tokens, tokenTable.rows(), positionTable);
    table = tokenTable;
    this.offset = offset == null ? 0 : offset.getInt(0);
    if (positionTable != null) {
      checkPositions(op, positionTable.shape().dim(0));
    }
    pool.run(forwardRows, Math.ceilDiv(rows, ROWS_PER_PART));
  }

  private void checkPositions(String op, int positions) {
    if (offset < 0 || offset > positions - t) {
      throw new IllegalArgumentException(
          "%s: positions %d to %d are not all in the position table's 0 to %d"
              .formatted(op, offset, (long) offset + t - 1, positions - 1));
    }
  }

  private void forwardRows(int part) {
    long rowBytes = 4L * c;
    int end = Math.min(rows, (part + 1) * ROWS_PER_PART);
    for (int r = part * ROWS_PER_PART; r < end; r++) {
      long to = out + r * rowBytes;
      table.row(to, token(r));
      if (positionTable != 0) {
        kernels.add(to, to, positionTable + (offset + r % t) * rowBytes, c);
      }
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if a token is outside the table
   */
  @Override
  protected void runBackward(
      Tensor dTokenTable, Tensor dPositionTable, Tensor dOut, Tensor tokens) {
    set("embeddingBackward", dOut, tokens, dTokenTable.shape().dim(0), dPositionTable);
    tokenGradient = RawMemory.address(dTokenTable);
    pool.run(backwardColumns, Math.ceilDiv(c, COLUMNS_PER_PART));
  }

  private void backwardColumns(int part) {
    long rowBytes = 4L * c;
    int first = part * COLUMNS_PER_PART;
    int count = Math.min(COLUMNS_PER_PART, c - first);
    for (int r = 0; r < rows; r++) {
      long gradient = out + r * rowBytes + 4L * first;
      long toToken = tokenGradient + token(r) * rowBytes + 4L * first;
      kernels.add(toToken, toToken, gradient, count);
      if (positionTable != 0) {
        long toPosition = positionTable + (r % t) * rowBytes + 4L * first;
        kernels.add(toPosition, toPosition, gradient, count);
      }
    }
  }

  private void set(String op, Tensor out, Tensor tokens, int vocab, Tensor positionTable) {
    this.out = RawMemory.address(out);
    this.tokens = RawMemory.address(tokens);
    this.positionTable = positionTable == null ? 0 : RawMemory.address(positionTable);
    rows = Math.toIntExact(tokens.elements());
    t = tokens.shape().dim(-1);
    c = out.shape().dim(-1);
    for (int r = 0; r < rows; r++) {
      int token = token(r);
      if (token < 0 || token >= vocab) {
        throw new IllegalArgumentException(
            "%s: token %d at element %d is not in the table's 0 to %d"
                .formatted(op, token, r, vocab - 1));
      }
    }
  }

  private int token(int row) {
    return ALL.get(JAVA_INT, safe(tokens + 4L * row));
  }
}
