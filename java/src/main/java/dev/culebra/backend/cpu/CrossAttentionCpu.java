package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.culebra.backend.CrossAttentionOp;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;

/**
 * Attention from one sequence to another, one query at a time: its scores for all keys stay in the
 * cache. Each head of each sequence is one part of parallel work, so no two parts write to the same
 * place. Allocates nothing once it has seen the longest sequence. One thread at a time.
 */
final class CrossAttentionCpu extends CrossAttentionOp {
  private final WorkerPool pool;
  private final RowKernel rows;
  private final AttentionKernel attention;
  private final ScratchMemory[] scratch;
  private final WorkerPool.Task forwardHead = this::forwardHead;
  private final WorkerPool.Task backwardHead = this::backwardHead;

  private long out;
  private long logSumExp;
  private long queries;
  private long keysValues;
  private long lengths;
  private long dQueries;
  private long dKeysValues;
  private long dOut;
  private int t;
  private int s;
  private int heads;
  private int d;
  private float scale;

  /** Bytes of a row of queries; also from K to V in a row of keys and values. */
  private long rowBytes;

  CrossAttentionCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    rows = kernels.rows();
    attention = kernels.attention();
    scratch = pool.scratchOfEach();
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if a length is not in [1, S]
   */
  @Override
  protected void runForward(
      Tensor out, Tensor logSumExp, Tensor queries, Tensor keysValues, Tensor lengths, int heads) {
    set("crossAttentionForward", out, logSumExp, queries, keysValues, lengths, heads);
    pool.run(forwardHead, queries.shape().dim(0) * heads);
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if a length is not in [1, S]
   */
  @Override
  protected void runBackward(
      Tensor dQueries,
      Tensor dKeysValues,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor queries,
      Tensor keysValues,
      Tensor lengths,
      int heads) {
    set("crossAttentionBackward", out, logSumExp, queries, keysValues, lengths, heads);
    this.dQueries = RawMemory.address(dQueries);
    this.dKeysValues = RawMemory.address(dKeysValues);
    this.dOut = RawMemory.address(dOut);
    pool.run(backwardHead, queries.shape().dim(0) * heads);
  }

  private void set(
      String op,
      Tensor out,
      Tensor logSumExp,
      Tensor queries,
      Tensor keysValues,
      Tensor lengths,
      int heads) {
    this.out = RawMemory.address(out);
    this.logSumExp = RawMemory.address(logSumExp);
    this.queries = RawMemory.address(queries);
    this.keysValues = RawMemory.address(keysValues);
    this.lengths = lengths == null ? 0 : RawMemory.address(lengths);
    this.heads = heads;
    t = queries.shape().dim(1);
    s = keysValues.shape().dim(1);
    d = queries.shape().dim(2) / heads;
    scale = (float) (1 / Math.sqrt(d));
    rowBytes = 4L * heads * d;
    for (int b = 0; b < queries.shape().dim(0); b++) {
      if (length(b) < 1 || length(b) > s) {
        throw new IllegalArgumentException(
            "%s: length %d of sequence %d is not in 1 to %d".formatted(op, length(b), b, s));
      }
    }
  }

  /** Keys that the queries of sequence {@code b} see. */
  private int length(int b) {
    return lengths == 0 ? s : ALL.get(JAVA_INT, safe(lengths + 4L * b));
  }

  /** Address of a head's columns of query {@code query}, in a tensor (B, T, C). */
  private long query(long base, int head, int query) {
    return base + ((long) (head / heads) * t + query) * rowBytes + 4L * (head % heads) * d;
  }

  /** Address of a head's first key, in a tensor (B, S, 2C); the next key is 2C numbers later. */
  private long keys(long base, int head) {
    return base + (long) (head / heads) * s * 2 * rowBytes + 4L * (head % heads) * d;
  }

  private long statistic(int head, int query) {
    return safe(logSumExp + 4L * ((long) head * t + query));
  }

  /** to[i] = x · row i, where rows are 2C numbers apart. */
  private void dots(long to, long x, long from, int count) {
    for (int i = 0; i < count; i++) {
      ALL.set(JAVA_FLOAT, safe(to + 4L * i), attention.dot(x, from + i * 2 * rowBytes, d));
    }
  }

  private void forwardHead(int head) {
    int length = length(head / heads);
    long p = scratch[pool.slot()].floats(length);
    long k = keys(keysValues, head);
    for (int i = 0; i < t; i++) {
      dots(p, query(queries, head, i), k, length);
      float max = rows.max(p, length);
      float sum = rows.exp(p, p, max, scale, length);
      rows.multiply(p, p, 1 / sum, length);
      ALL.set(JAVA_FLOAT, statistic(head, i), (float) (scale * (double) max + Math.log(sum)));
      attention.weightedSum(query(out, head, i), p, k + rowBytes, 2 * rowBytes, length, d);
    }
  }

  private void backwardHead(int head) {
    int length = length(head / heads);
    long p = scratch[pool.slot()].floats(2L * length);
    long dScores = p + 4L * length;
    long k = keys(keysValues, head);
    long v = k + rowBytes;
    long dK = keys(dKeysValues, head);
    long dV = dK + rowBytes;
    for (int i = 0; i < s; i++) {
      rows.fill(dK + i * 2 * rowBytes, 0, d);
      rows.fill(dV + i * 2 * rowBytes, 0, d);
    }
    for (int i = 0; i < t; i++) {
      long q = query(queries, head, i);
      long dO = query(dOut, head, i);
      dots(p, q, k, length);
      // p = exp(scale · (q · k) − logSumExp), which must not exceed 1 by rounding
      float shift = Math.max(ALL.get(JAVA_FLOAT, statistic(head, i)) / scale, rows.max(p, length));
      rows.exp(p, p, shift, scale, length);
      dots(dScores, dO, v, length);
      float delta = attention.dot(dO, query(out, head, i), d);
      // dScore = p · (dP − delta) · scale
      rows.product(dScores, dScores, p, length);
      rows.combine(dScores, dScores, scale, p, -delta * scale, length);
      attention.weightedSum(query(dQueries, head, i), dScores, k, 2 * rowBytes, length, d);
      for (int j = 0; j < length; j++) {
        long row = j * 2 * rowBytes;
        rows.combine(dK + row, dK + row, 1, q, ALL.get(JAVA_FLOAT, safe(dScores + 4L * j)), d);
        rows.combine(dV + row, dV + row, 1, dO, ALL.get(JAVA_FLOAT, safe(p + 4L * j)), d);
      }
    }
  }
}
