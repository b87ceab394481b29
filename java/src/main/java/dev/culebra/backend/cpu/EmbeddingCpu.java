package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culebra.backend.EmbeddingOp;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

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
  private final WorkerPool.Task forwardRows = this::forwardRows;
  private final WorkerPool.Task backwardColumns = this::backwardColumns;
  private long out;
  private long tokens;
  private long tokenTable;
  private long positionTable;
  private int offset;
  private int rows;
  private int t;
  private int c;

  EmbeddingCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if a token or a position is outside its table
   */
  @Override
  protected void runForward(
      Tensor out, Tensor tokens, Tensor tokenTable, Tensor positionTable, Tensor offset) {
    set("embeddingForward", out, tokens, tokenTable, positionTable);
    this.offset = offset == null ? 0 : offset.getInt(0);
    if (positionTable != null) {
      checkPositions(positionTable.shape().dim(0));
    }
    pool.run(forwardRows, Math.ceilDiv(rows, ROWS_PER_PART));
  }

  private void checkPositions(int positions) {
    if (offset < 0 || offset > positions - t) {
      throw new IllegalArgumentException(
          "embeddingForward: positions %d to %d are not all in the position table's 0 to %d"
              .formatted(offset, (long) offset + t - 1, positions - 1));
    }
  }

  private void forwardRows(int part) {
    long rowBytes = 4L * c;
    int end = Math.min(rows, (part + 1) * ROWS_PER_PART);
    for (int r = part * ROWS_PER_PART; r < end; r++) {
      long to = out + r * rowBytes;
      long tokenRow = tokenTable + token(r) * rowBytes;
      if (positionTable == 0) {
        MemorySegment.copy(ALL, tokenRow, ALL, to, rowBytes);
      } else {
        kernels.add(to, tokenRow, positionTable + (offset + r % t) * rowBytes, c);
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
    set("embeddingBackward", dOut, tokens, dTokenTable, dPositionTable);
    pool.run(backwardColumns, Math.ceilDiv(c, COLUMNS_PER_PART));
  }

  private void backwardColumns(int part) {
    long rowBytes = 4L * c;
    int first = part * COLUMNS_PER_PART;
    int count = Math.min(COLUMNS_PER_PART, c - first);
    for (int r = 0; r < rows; r++) {
      long gradient = out + r * rowBytes + 4L * first;
      long toToken = tokenTable + token(r) * rowBytes + 4L * first;
      kernels.add(toToken, toToken, gradient, count);
      if (positionTable != 0) {
        long toPosition = positionTable + (r % t) * rowBytes + 4L * first;
        kernels.add(toPosition, toPosition, gradient, count);
      }
    }
  }

  private void set(String op, Tensor out, Tensor tokens, Tensor tokenTable, Tensor positionTable) {
    this.out = RawMemory.address(out);
    this.tokens = RawMemory.address(tokens);
    this.tokenTable = RawMemory.address(tokenTable);
    this.positionTable = positionTable == null ? 0 : RawMemory.address(positionTable);
    rows = Math.toIntExact(tokens.elements());
    t = tokens.shape().dim(-1);
    c = tokenTable.shape().dim(1);
    int vocab = tokenTable.shape().dim(0);
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
