package dev.culebra.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.culebra.backend.AttentionSpec;
import dev.culebra.tensor.Tensor;
import java.lang.ref.Reference;

/**
 * Attention of {@link dev.culebra.backend.Ops}: each head of each sequence is one piece of parallel
 * work, done in blocks of query rows whose scores stay in the cache; the T × T matrix is never
 * whole. All five kinds of products (Q·Kᵀ, P·V; dO·Vᵀ, dS·K, and the transposed Pᵀ·dO, dSᵀ·Q) are
 * the register tiles of {@link GemmKernel}. Rows are handled in order and no two pieces write the
 * same place, so results do not depend on the number of threads. One thread at a time.
 */
final class AttentionCpu {
  private static final int ROWS = GemmKernel.ROWS;
  private static final int BLOCK = AttentionWorkspace.BLOCK;

  private final WorkerPool pool;
  private final GemmKernel gemm;
  private final AttentionKernel rows;
  private final AttentionWorkspace[] workspaces;
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

  AttentionCpu(WorkerPool pool) {
    this(pool, GemmKernel.best(), AttentionKernel.best());
  }

  AttentionCpu(WorkerPool pool, GemmKernel gemm, AttentionKernel rows) {
    this.pool = pool;
    this.gemm = gemm;
    this.rows = rows;
    workspaces = new AttentionWorkspace[pool.threads()];
    for (int i = 0; i < workspaces.length; i++) {
      workspaces[i] = new AttentionWorkspace();
    }
  }

  /** See {@link dev.culebra.backend.Ops#attentionForward}. */
  void forward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
    prepare(out, logSumExp, qkv, spec);
    run(forwardHead, qkv);
  }

  /** See {@link dev.culebra.backend.Ops#attentionBackward}. */
  void backward(
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
    try {
      pool.run(task, qkv.shape().dim(0) * heads);
    } finally {
      Reference.reachabilityFence(this); // the workspaces are used by address only
    }
  }

  /** Address of Q of a head at time 0; K and V lie {@code outBytes} and twice that behind it. */
  private long query(long base, int head) {
    return base + (long) (head / heads) * t * rowBytes + 4L * (head % heads) * d;
  }

  /** Address of a head's output at time 0. */
  private long output(long base, int head) {
    return base + (long) (head / heads) * t * outBytes + 4L * (head % heads) * d;
  }

  /** How many keys the query rows before {@code endRow} see together. */
  private int keysBefore(int endRow) {
    return causal ? endRow : t;
  }

  /** How many keys the query at time {@code row} sees. */
  private int keysOf(int row) {
    return causal ? row + 1 : t;
  }

  private void forwardHead(int head) {
    AttentionWorkspace work = workspace();
    long q = query(qkv, head);
    packAcross(work, work.keysAcross, q + outBytes);
    packAlong(work.valuesAlong, q + 2 * outBytes, rowBytes, t);
    for (int row = 0; row < t; row += ROWS) {
      int count = Math.min(ROWS, t - row);
      int keys = keysBefore(row + count);
      long scores = work.probabilities;
      scores(work, scores, q + row * rowBytes, rowBytes, work.keysAcross, count, keys);
      for (int i = 0; i < count; i++) {
        long at = scores + 4L * i * work.scoreStride;
        float lse = rows.softmax(at, keysOf(row + i), scale);
        RawMemory.ALL.set(JAVA_FLOAT, logSumExp + 4L * ((long) head * t + row + i), lse);
        dropAndClear(work, at, head, row + i, keys);
      }
      gemm.packAcross(work.panel, ROWS, scores, 4L * work.scoreStride, count, keys, work.scratch);
      product(work, output(out, head) + row * outBytes, outBytes, work.valuesAlong, t, count, keys);
    }
  }

  private AttentionWorkspace workspace() {
    AttentionWorkspace work = workspaces[pool.slot()];
    work.reserve(t, d, gemm.columns());
    return work;
  }

  /** All times of K or V as columns of the depth D. */
  private void packAcross(AttentionWorkspace work, long panels, long from) {
    int width = gemm.columns();
    for (int j = 0; j < t; j += width) {
      long panel = panels + 4L * j * d;
      int count = Math.min(width, t - j);
      gemm.packAcross(panel, width, from + j * rowBytes, rowBytes, count, d, work.scratch);
    }
  }

  /** {@code depth} times of Q, K, V or dO as the depth of D columns. */
  private void packAlong(long panels, long from, long stride, int depth) {
    int width = gemm.columns();
    for (int j = 0; j < d; j += width) {
      long panel = panels + 4L * j * depth;
      gemm.packAlong(panel, width, from + 4L * j, stride, Math.min(width, d - j), depth);
    }
  }

  /** scores[i][key] = x[i] · column key of the panels, for {@code count} rows x of depth D. */
  private void scores(
      AttentionWorkspace work, long scores, long x, long stride, long panels, int count, int keys) {
    gemm.packAcross(work.panel, ROWS, x, stride, count, d, work.scratch);
    int width = gemm.columns();
    for (int j = 0; j < keys; j += width) {
      gemm.tile(work.tile, work.panel, panels + 4L * j * d, d);
      gemm.merge(scores + 4L * j, 4L * work.scoreStride, work.zeros, 0, work.tile, count, width);
    }
  }

  /** out[i] = Σ panel[k][i] · column k of the panels, whose full depth is {@code panelDepth}. */
  private void product(
      AttentionWorkspace work,
      long out,
      long stride,
      long panels,
      int panelDepth,
      int count,
      int depth) {
    int width = gemm.columns();
    for (int j = 0; j < d; j += width) {
      gemm.tile(work.tile, work.panel, panels + 4L * j * panelDepth, depth);
      int columns = Math.min(width, d - j);
      gemm.merge(out + 4L * j, stride, work.zeros, 0, work.tile, count, columns);
    }
  }

  /** Applies dropout to a row of probabilities; what it does not see, up to {@code keys}, is 0. */
  private void dropAndClear(AttentionWorkspace work, long row, int head, int query, int keys) {
    int seen = keysOf(query);
    if (!spec.dropout().isNone()) {
      AttentionDropout.forward(row, seen, firstDraw(head, query), spec.dropout(), work.words);
    }
    clear(row, seen, keys);
  }

  /** The element of the random key that belongs to key 0 of a query. */
  private long firstDraw(int head, int query) {
    return ((long) head * t + query) * t;
  }

  private static void clear(long row, int from, int to) {
    for (int key = from; key < to; key++) {
      RawMemory.ALL.set(JAVA_FLOAT, row + 4L * key, 0);
    }
  }

  private void backwardHead(int head) {
    AttentionWorkspace work = workspace();
    long q = query(qkv, head);
    packAcross(work, work.keysAcross, q + outBytes);
    packAcross(work, work.valuesAcross, q + 2 * outBytes);
    packAlong(work.keysAlong, q + outBytes, rowBytes, t);
    for (int row = 0; row < t; row += BLOCK) {
      int count = Math.min(BLOCK, t - row);
      int keys = keysBefore(row + count);
      for (int i = 0; i < count; i += ROWS) {
        backwardQueries(work, head, row + i, i, Math.min(ROWS, count - i), keys);
      }
      packAlong(work.queriesAlong, q + row * rowBytes, rowBytes, count);
      packAlong(work.dOutAlong, output(dOut, head) + row * outBytes, outBytes, count);
      for (int key = 0; key < keys; key += ROWS) {
        backwardKeys(work, head, row, count, key, Math.min(ROWS, keys - key));
      }
    }
  }

  /** Probabilities and score gradients of a few query rows, into row {@code i} of the block; dQ. */
  private void backwardQueries(
      AttentionWorkspace work, int head, int row, int i, int count, int blockKeys) {
    long block = 4L * i * work.scoreStride;
    long p = work.probabilities + block;
    long ds = work.dScores + block;
    long q = query(qkv, head) + row * rowBytes;
    long dO = output(dOut, head) + row * outBytes;
    int keys = keysBefore(row + count);
    scores(work, p, q, rowBytes, work.keysAcross, count, keys);
    scores(work, ds, dO, outBytes, work.valuesAcross, count, keys);
    for (int r = 0; r < count; r++) {
      long index = 4L * ((long) head * t + row + r);
      long line = 4L * r * work.scoreStride;
      float dot = rows.dot(dO + r * outBytes, output(out, head) + (row + r) * outBytes, d);
      RawMemory.ALL.set(JAVA_FLOAT, delta + index, dot);
      gradientsOfRow(work, p + line, ds + line, index, dot, head, row + r, blockKeys);
    }
    gemm.packAcross(work.panel, ROWS, ds, 4L * work.scoreStride, count, keys, work.scratch);
    product(work, query(dQkv, head) + row * rowBytes, rowBytes, work.keysAlong, t, count, keys);
  }

  /** p: scores → probabilities, dropped; ds: dO · V → gradient of the scores. */
  private void gradientsOfRow(
      AttentionWorkspace work,
      long p,
      long ds,
      long index,
      float dot,
      int head,
      int query,
      int blockKeys) {
    int seen = keysOf(query);
    rows.probabilities(p, seen, scale, RawMemory.ALL.get(JAVA_FLOAT, logSumExp + index));
    if (spec.dropout().isNone()) {
      rows.scoreGradient(ds, p, seen, dot, scale);
    } else {
      AttentionDropout.backward(
          p, ds, seen, firstDraw(head, query), dot, scale, spec.dropout(), work.words);
    }
    clear(p, seen, blockKeys);
    clear(ds, seen, blockKeys);
  }

  /** dV += Pᵀ · dO and dK += dSᵀ · Q for a few keys and the query rows of the block. */
  private void backwardKeys(
      AttentionWorkspace work, int head, int row, int count, int key, int keyCount) {
    int skipped =
        causal ? Math.max(0, key - row) : 0; // query rows before the key see nothing of it
    boolean first = causal ? key >= row : row == 0;
    long dKey = query(dQkv, head) + outBytes + key * rowBytes;
    long line = 4L * ((long) skipped * work.scoreStride + key);
    int depth = count - skipped;
    addProduct(
        work, dKey, work.dScores + line, work.queriesAlong, count, skipped, depth, keyCount, first);
    addProduct(
        work,
        dKey + outBytes,
        work.probabilities + line,
        work.dOutAlong,
        count,
        skipped,
        depth,
        keyCount,
        first);
  }

  private void addProduct(
      AttentionWorkspace work,
      long to,
      long x,
      long panels,
      int panelDepth,
      int skipped,
      int depth,
      int count,
      boolean first) {
    int width = gemm.columns();
    gemm.packAlong(work.panel, ROWS, x, 4L * work.scoreStride, count, depth);
    for (int j = 0; j < d; j += width) {
      long panel = panels + 4L * ((long) j * panelDepth + (long) skipped * width);
      gemm.tile(work.tile, work.panel, panel, depth);
      long target = to + 4L * j;
      int columns = Math.min(width, d - j);
      gemm.merge(
          target,
          rowBytes,
          first ? work.zeros : target,
          first ? 0 : rowBytes,
          work.tile,
          count,
          columns);
    }
  }
}
