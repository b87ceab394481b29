package dev.culebra.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.culebra.backend.AttentionDecodeOp;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Attention of one new token per sequence to cached keys and values, and filling the cache. Each
 * head of each sequence is one part of parallel work. One thread at a time.
 */
final class AttentionDecodeCpu extends AttentionDecodeOp {
  private final WorkerPool pool;
  private final RowKernel kernels;
  private final AttentionKernel attention;
  private final ScratchMemory scratch;
  private final WorkerPool.Task decodeHead = this::decodeHead;

  private long out;
  private long keys;
  private long values;
  private long qkv;
  private long scores;
  private int width;
  private int cachedWidth;
  private int heads;
  private int capacity;
  private int length;

  AttentionDecodeCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
    attention = kernels.attention();
    scratch = pool.scratch();
  }

  @Override
  protected void runCacheKeysValues(Tensor keys, Tensor values, Tensor qkv, int heads) {
    int time = qkv.shape().dim(1);
    for (int b = 0; b < qkv.shape().dim(0); b++) {
      for (int t = 0; t < time; t++) {
        store(keys, values, qkv, heads, b, t, (long) b * time + t);
      }
    }
  }

  /**
   * Copies K and V of row {@code row} of {@code qkv} to time {@code t} of sequence {@code b}: the
   * first head of each group of equal ones.
   */
  private static void store(
      Tensor keys, Tensor values, Tensor qkv, int heads, int b, int t, long row) {
    int cached = keys.shape().dim(-1);
    int width = qkv.shape().dim(-1) / 3;
    int size = cached == width ? width : width / heads;
    long bytes = 4L * size;
    long stride = bytes * (width / cached);
    long to = 4L * cached * ((long) b * keys.shape().dim(1) + t);
    long from = 4L * width * (3 * row + 1);
    for (int head = 0; head < cached / size; head++) {
      long place = to + bytes * head;
      long key = from + stride * head;
      MemorySegment.copy(qkv.segment(), key, keys.segment(), place, bytes);
      MemorySegment.copy(qkv.segment(), key + 4L * width, values.segment(), place, bytes);
    }
  }

  @Override
  protected void runForward(
      Tensor out, Tensor keys, Tensor values, Tensor qkv, Tensor position, int heads) {
    int before = position.getInt(0);
    if (before < 0) {
      throw new IllegalArgumentException(
          "attentionDecode: position %d is negative".formatted(before));
    }
    capacity = keys.shape().dim(1);
    length = Math.min(before, capacity - 1) + 1;
    int batch = keys.shape().dim(0);
    for (int b = 0; b < batch; b++) {
      store(keys, values, qkv, heads, b, before % capacity, b);
    }
    this.out = RawMemory.address(out);
    this.keys = RawMemory.address(keys);
    this.values = RawMemory.address(values);
    this.qkv = RawMemory.address(qkv);
    this.heads = heads;
    width = out.shape().dim(-1);
    cachedWidth = keys.shape().dim(2);
    scores = scratch.floats((long) batch * heads * capacity);
    pool.run(decodeHead, batch * heads);
  }

  private void decodeHead(int index) {
    int b = index / heads;
    int d = width / heads;
    long column = 4L * (index % heads) * d;
    long q = qkv + 12L * b * width + column;
    long rowBytes = 4L * cachedWidth;
    int groupSize = width / cachedWidth;
    long cached = (long) b * capacity * rowBytes + 4L * (index % heads / groupSize) * d;
    long k = keys + cached;
    long v = values + cached;
    long p = scores + 4L * index * capacity;
    for (int t = 0; t < length; t++) {
      RawMemory.ALL.set(JAVA_FLOAT, p + 4L * t, attention.dot(q, k + t * rowBytes, d));
    }
    softmax(p, length, (float) (1 / Math.sqrt(d)));
    attention.weightedSum(out + 4L * b * width + column, p, v, rowBytes, length, d);
  }

  /** Replaces scores with probabilities: p = exp(scale · (s − max)) / Σ. */
  private void softmax(long scores, int length, float scale) {
    float sum = kernels.exp(scores, scores, kernels.max(scores, length), scale, length);
    kernels.multiply(scores, scores, 1 / sum, length);
  }
}
