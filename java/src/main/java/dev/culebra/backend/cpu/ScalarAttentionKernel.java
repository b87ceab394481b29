package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/** {@link AttentionKernel} as plain loops. */
final class ScalarAttentionKernel implements AttentionKernel {
  @Override
  public void softmax(
      long scores, int queries, int keys, int diagonal, float scale, long logSumExp) {
    for (int i = 0; i < queries; i++) {
      int seen = Math.min(keys, diagonal + i + 1);
      put(logSumExp + 4L * i, softmax(scores + 4L * i, seen, scale));
      clear(scores + 4L * i, seen, keys);
    }
  }

  @Override
  public void gradients(
      long scores,
      long dScores,
      int queries,
      int keys,
      int diagonal,
      float scale,
      long logSumExp,
      long delta) {
    for (int i = 0; i < queries; i++) {
      int seen = Math.min(keys, diagonal + i + 1);
      for (int key = 0; key < seen; key++) {
        long at = 4L * (key * BLOCK + i);
        float p = (float) Math.exp(scale * get(scores + at) - get(logSumExp + 4L * i));
        put(scores + at, p);
        put(dScores + at, p * (get(dScores + at) - get(delta + 4L * i)) * scale);
      }
      clear(scores + 4L * i, seen, keys);
      clear(dScores + 4L * i, seen, keys);
    }
  }

  private static void clear(long column, int from, int to) {
    for (int key = from; key < to; key++) {
      put(column + 4L * key * BLOCK, 0);
    }
  }

  @Override
  public void multiply(long scores, long factors, int queries, int keys) {
    for (int key = 0; key < keys; key++) {
      for (int i = 0; i < queries; i++) {
        long at = 4L * (key * BLOCK + i);
        put(scores + at, get(scores + at) * get(factors + at));
      }
    }
  }

  @Override
  public AttentionDropout newDropout() {
    return new ScalarAttentionDropout();
  }

  /** Softmax of the first {@code length} numbers of a column; returns ln Σ exp(scale · s). */
  private static float softmax(long column, int length, float scale) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < length; i++) {
      max = Math.max(max, get(column + 4L * i * BLOCK));
    }
    float sum = 0;
    for (int i = 0; i < length; i++) {
      long at = column + 4L * i * BLOCK;
      float p = (float) Math.exp(scale * (get(at) - max));
      put(at, p);
      sum += p;
    }
    for (int i = 0; i < length; i++) {
      long at = column + 4L * i * BLOCK;
      put(at, get(at) / sum);
    }
    return scale * max + (float) Math.log(sum);
  }

  @Override
  public float dot(long x, long y, int length) {
    float sum = 0;
    for (int i = 0; i < length; i++) {
      sum += get(x + 4L * i) * get(y + 4L * i);
    }
    return sum;
  }

  @Override
  public void weightedSum(long out, long weights, long rows, long stride, int count, int length) {
    for (int i = 0; i < length; i++) {
      float sum = 0;
      for (int t = 0; t < count; t++) {
        sum += get(weights + 4L * t) * get(rows + t * stride + 4L * i);
      }
      put(out + 4L * i, sum);
    }
  }

  private static float get(long address) {
    return ALL.get(JAVA_FLOAT, safe(address));
  }

  private static void put(long address, float value) {
    ALL.set(JAVA_FLOAT, safe(address), value);
  }
}
