package dev.culebra.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.culebra.backend.AttentionOp;
import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;

/**
 * Each head of each sequence is one part of parallel work, done in blocks of queries whose scores
 * stay in the cache; the whole T × T matrix never exists. {@link AttentionTiles} computes the
 * products (K·Qᵀ, V·dOᵀ; P·V, dS·K; Pᵀ·dO, dSᵀ·Q), {@link AttentionKernel} the rest. The backward
 * pass recomputes the probabilities from their log-sum-exp, as in Dao et al., "FlashAttention"
 * (2022). Queries are processed in order and no two parts write to the same place, so results do
 * not depend on the number of threads. One thread at a time.
 */
final class AttentionCpu extends AttentionOp {
  private static final int ROWS = GemmKernel.ROWS;
  private static final int BLOCK = AttentionKernel.BLOCK;

  private final WorkerPool pool;
  private final AttentionKernel kernel;
  private final AttentionTiles[] tilesOfThread;
  private final AttentionDropout[] dropoutOfThread;
  private final WorkerPool.Task forwardHead = this::forwardHead;
  private final WorkerPool.Task backwardHead = this::backwardHead;

  private long out;
  private long logSumExp;
  private long qkv;
  private long dQkv;
  private long delta;
  private long dOut;
  private int t;
  private int heads;
  private int d;
  private boolean causal;
  private float scale;
  private long rowBytes;
  private long outBytes;
  private AttentionSpec spec;

  AttentionCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernel = kernels.attention();
    tilesOfThread = new AttentionTiles[pool.threads()];
    dropoutOfThread = new AttentionDropout[pool.threads()];
    for (int i = 0; i < pool.threads(); i++) {
      tilesOfThread[i] = new AttentionTiles(kernels.gemm(), pool.scratch());
      dropoutOfThread[i] = kernel.newDropout();
    }
  }

  @Override
  protected void runForward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
    prepare(out, logSumExp, qkv, spec);
    run(forwardHead, qkv);
  }

  @Override
  protected void runBackward(
      Tensor dQkv,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      AttentionSpec spec) {
    prepare(out, logSumExp, qkv, spec);
    this.dQkv = RawMemory.address(dQkv);
    this.delta = RawMemory.address(delta);
    this.dOut = RawMemory.address(dOut);
    run(backwardHead, qkv);
  }

  private void prepare(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
    this.out = RawMemory.address(out);
    this.logSumExp = RawMemory.address(logSumExp);
    this.qkv = RawMemory.address(qkv);
    this.spec = spec;
    int width = out.shape().dim(-1);
    t = qkv.shape().dim(1);
    heads = spec.heads();
    d = width / heads;
    causal = spec.causal();
    scale = (float) (1 / Math.sqrt(d));
    rowBytes = 3L * 4 * width;
    outBytes = 4L * width;
  }

  private void run(WorkerPool.Task task, Tensor qkv) {
    pool.run(task, qkv.shape().dim(0) * heads);
  }

  /** Address of Q of a head at time 0; K and V follow at {@code outBytes} and twice that. */
  private long query(long base, int head) {
    return base + (long) (head / heads) * t * rowBytes + 4L * (head % heads) * d;
  }

  /** Address of a head's output at time 0. */
  private long output(long base, int head) {
    return base + (long) (head / heads) * t * outBytes + 4L * (head % heads) * d;
  }

  /** Address of a query's number in a (B, heads, T) tensor. */
  private long statistic(long base, int head, int query) {
    return base + 4L * ((long) head * t + query);
  }

  /** Number of keys that any query before {@code end} sees. */
  private int keysBefore(int end) {
    return causal ? Math.min(end, t) : t;
  }

  /** Number of keys to write for a panel: those that only queries of the next tile see are 0. */
  private int keysToWrite(int query, int endOfBlock) {
    return keysBefore(Math.min(endOfBlock, query + tilesOfThread[0].columns() + ROWS));
  }

  /** The last key that a query sees. */
  private int diagonal(int query) {
    return causal ? query : t;
  }

  private AttentionTiles tiles() {
    AttentionTiles tiles = tilesOfThread[pool.slot()];
    tiles.reserve(t, d);
    return tiles;
  }

  private void forwardHead(int head) {
    AttentionTiles tiles = tiles();
    AttentionWorkspace work = tiles.memory;
    long q = query(qkv, head);
    tiles.packRows(work.keyRows, q + outBytes, rowBytes, t, d);
    tiles.packDepth(work.valuesAlong, q + 2 * outBytes, rowBytes, t, d);
    for (int block = 0; block < t; block += BLOCK) {
      int end = Math.min(block + BLOCK, t);
      tiles.packColumns(work.queryColumns, q + block * rowBytes, rowBytes, end - block, d);
      for (int query = block; query < end; query += tiles.columns()) {
        probabilities(tiles, head, block, query, end);
      }
      for (int query = block; query < end; query += ROWS) {
        long to = output(out, head) + query * outBytes;
        long p = work.probabilities + 4L * (query - block);
        int count = Math.min(ROWS, end - query);
        int keys = keysBefore(query + count);
        tiles.queriesProduct(to, outBytes, p, count, keys, work.valuesAlong, t, d);
      }
    }
  }

  /**
   * Probabilities, after dropout, of the panel of queries from {@code query} on, and their
   * log-sum-exp.
   */
  private void probabilities(AttentionTiles tiles, int head, int block, int query, int end) {
    AttentionWorkspace work = tiles.memory;
    int i = query - block;
    int queries = Math.min(tiles.columns(), end - query);
    long p = work.probabilities + 4L * i;
    int seen = keysBefore(query + queries);
    tiles.scores(p, work.keyRows, work.queryColumns + 4L * i * d, seen, d);
    int keys = keysToWrite(query, end);
    long lse = statistic(logSumExp, head, query);
    kernel.softmax(p, queries, keys, diagonal(query), scale, lse);
    if (!spec.dropout().isNone()) {
      drawFactors(work, head, query, queries, keys);
      kernel.multiply(p, work.factors, queries, keys);
    }
  }

  /** Key 0 of a query has element (head · T + query) · T of the random key. */
  private void drawFactors(AttentionWorkspace work, int head, int query, int queries, int keys) {
    long first = ((long) head * t + query) * t;
    AttentionDropout dropout = dropoutOfThread[pool.slot()];
    dropout.factors(work.factors, queries, keys, diagonal(query), spec.dropout(), first, t);
  }

  private void backwardHead(int head) {
    AttentionTiles tiles = tiles();
    AttentionWorkspace work = tiles.memory;
    long q = query(qkv, head);
    tiles.packRows(work.keyRows, q + outBytes, rowBytes, t, d);
    tiles.packRows(work.valueRows, q + 2 * outBytes, rowBytes, t, d);
    tiles.packDepth(work.keysAlong, q + outBytes, rowBytes, t, d);
    for (int block = 0; block < t; block += BLOCK) {
      int end = Math.min(block + BLOCK, t);
      deltas(head, block, end);
      backwardQueries(tiles, head, block, end);
      backwardKeys(tiles, head, block, end);
    }
  }

  /** delta = dO · out, the weighted mean of the gradients of a query's probabilities. */
  private void deltas(int head, int from, int end) {
    for (int query = from; query < end; query++) {
      long row = query * outBytes;
      float dot = kernel.dot(output(dOut, head) + row, output(out, head) + row, d);
      RawMemory.ALL.set(JAVA_FLOAT, statistic(delta, head, query), dot);
    }
  }

  /** Probabilities and score gradients of a block; dQ = dS · K. */
  private void backwardQueries(AttentionTiles tiles, int head, int block, int end) {
    AttentionWorkspace work = tiles.memory;
    long q = query(qkv, head) + block * rowBytes;
    long dO = output(dOut, head) + block * outBytes;
    tiles.packColumns(work.queryColumns, q, rowBytes, end - block, d);
    tiles.packColumns(work.dOutColumns, dO, outBytes, end - block, d);
    for (int query = block; query < end; query += tiles.columns()) {
      gradients(tiles, head, block, query, end);
    }
    for (int query = block; query < end; query += ROWS) {
      long to = query(dQkv, head) + query * rowBytes;
      long dScores = work.dScores + 4L * (query - block);
      int count = Math.min(ROWS, end - query);
      int keys = keysBefore(query + count);
      tiles.queriesProduct(to, rowBytes, dScores, count, keys, work.keysAlong, t, d);
    }
  }

  /**
   * Probabilities, after dropout, and score gradients of the panel of queries from {@code query}
   * on.
   */
  private void gradients(AttentionTiles tiles, int head, int block, int query, int end) {
    AttentionWorkspace work = tiles.memory;
    int i = query - block;
    int queries = Math.min(tiles.columns(), end - query);
    int seen = keysBefore(query + queries);
    long p = work.probabilities + 4L * i;
    long dScores = work.dScores + 4L * i;
    tiles.scores(p, work.keyRows, work.queryColumns + 4L * i * d, seen, d);
    tiles.scores(dScores, work.valueRows, work.dOutColumns + 4L * i * d, seen, d);
    int keys = keysToWrite(query, end);
    boolean drops = !spec.dropout().isNone();
    if (drops) {
      drawFactors(work, head, query, queries, keys);
      kernel.multiply(dScores, work.factors, queries, seen);
    }
    long lse = statistic(logSumExp, head, query);
    long dot = statistic(delta, head, query);
    kernel.gradients(p, dScores, queries, keys, diagonal(query), scale, lse, dot);
    if (drops) {
      kernel.multiply(p, work.factors, queries, keys);
    }
  }

  /** dV += Pᵀ · dO and dK += dSᵀ · Q over a block of queries. */
  private void backwardKeys(AttentionTiles tiles, int head, int block, int end) {
    AttentionWorkspace work = tiles.memory;
    int width = tiles.columns();
    int packed = end - block;
    long q = query(qkv, head) + block * rowBytes;
    long dO = output(dOut, head) + block * outBytes;
    tiles.packDepth(work.queriesAlong, q, rowBytes, packed, d);
    tiles.packDepth(work.dOutAlong, dO, outBytes, packed, d);
    int keys = keysBefore(end);
    for (int key = 0; key < keys; key += ROWS) {
      int count = Math.min(ROWS, keys - key);
      // Queries before the key do not see it; whole vectors of them are skipped.
      int skipped = causal ? Math.max(0, key - block) / (width / 2) * (width / 2) : 0;
      boolean adds = causal ? key < block : block > 0;
      long at = key * AttentionTiles.KEY_BYTES + 4L * skipped;
      long right = 4L * skipped * width;
      long dK = query(dQkv, head) + outBytes + key * rowBytes;
      int depth = packed - skipped;
      tiles.keysProduct(
          dK,
          rowBytes,
          work.dScores + at,
          count,
          depth,
          work.queriesAlong + right,
          packed,
          d,
          adds);
      tiles.keysProduct(
          dK + outBytes,
          rowBytes,
          work.probabilities + at,
          count,
          depth,
          work.dOutAlong + right,
          packed,
          d,
          adds);
    }
  }
}
