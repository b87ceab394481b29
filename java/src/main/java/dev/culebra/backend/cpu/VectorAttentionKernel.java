package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.AttentionMath.log;
import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static dev.culebra.backend.cpu.VectorMath.expNonPositive;
import static dev.culebra.backend.cpu.VectorMemory.SPECIES;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** {@link AttentionKernel} with the Vector API; the end of a row goes through masks. */
final class VectorAttentionKernel implements AttentionKernel {
  private static final int LANES = SPECIES.length();
  private static final long KEY_BYTES = 4L * BLOCK;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  @Override
  public void softmax(
      long scores, int queries, int keys, int diagonal, float scale, long logSumExp) {
    for (int i = 0; i < queries; i += LANES) {
      long column = scores + 4L * i;
      int seen = Math.min(keys, diagonal + i + LANES);
      hide(column, diagonal + i + 1, seen, Float.NEGATIVE_INFINITY);
      softmaxColumns(column, seen, scale, logSumExp + 4L * i, SPECIES.indexInRange(i, queries));
      clear(column, seen, keys);
    }
  }

  /** What the lanes of one vector of queries do not see of keys that some of them see. */
  private static void hide(long column, int from, int to, float value) {
    for (int key = from; key < to; key++) {
      VectorMask<Float> hidden = SPECIES.indexInRange(0, key - from + 1);
      broadcast(value).intoMemorySegment(ALL, safe(column + key * KEY_BYTES), ORDER, hidden);
    }
  }

  private static void clear(long column, int from, int to) {
    for (int key = from; key < to; key++) {
      FloatVector.zero(SPECIES).intoMemorySegment(ALL, safe(column + key * KEY_BYTES), ORDER);
    }
  }

  private static void softmaxColumns(
      long column, int keys, float scale, long logSumExp, VectorMask<Float> queries) {
    FloatVector max = maxColumns(column, keys);
    FloatVector sum = FloatVector.zero(SPECIES);
    long at = column;
    for (int key = 0; key < keys; key++) {
      FloatVector p = expNonPositive(load(at).sub(max).mul(scale));
      p.intoMemorySegment(ALL, safe(at), ORDER);
      sum = sum.add(p);
      at += KEY_BYTES;
    }
    FloatVector factor = broadcast(1).div(sum);
    at = column;
    for (int key = 0; key < keys; key++) {
      load(at).mul(factor).intoMemorySegment(ALL, safe(at), ORDER);
      at += KEY_BYTES;
    }
    max.mul(scale).add(log(sum)).intoMemorySegment(ALL, safe(logSumExp), ORDER, queries);
  }

  /** Two running maxima, since each waits for the one before. */
  private static FloatVector maxColumns(long column, int keys) {
    FloatVector even = load(column);
    FloatVector odd = even;
    int key = 1;
    for (; key + 1 < keys; key += 2) {
      long at = column + key * KEY_BYTES;
      odd = odd.max(load(at));
      even = even.max(load(at + KEY_BYTES));
    }
    if (key < keys) {
      odd = odd.max(load(column + key * KEY_BYTES));
    }
    return even.max(odd);
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
    for (int i = 0; i < queries; i += LANES) {
      long column = 4L * i;
      int seen = Math.min(keys, diagonal + i + LANES);
      hide(scores + column, diagonal + i + 1, seen, Float.NEGATIVE_INFINITY);
      hide(dScores + column, diagonal + i + 1, seen, 0);
      VectorMask<Float> lanes = SPECIES.indexInRange(i, queries);
      FloatVector shift = load(logSumExp + column, lanes);
      gradientsOfColumns(
          scores + column, dScores + column, seen, scale, shift, load(delta + column, lanes));
      clear(scores + column, seen, keys);
      clear(dScores + column, seen, keys);
    }
  }

  private static void gradientsOfColumns(
      long scores, long dScores, int keys, float scale, FloatVector shift, FloatVector delta) {
    for (int key = 0; key < keys; key++) {
      FloatVector p = expNonPositive(load(scores).mul(scale).sub(shift));
      p.intoMemorySegment(ALL, safe(scores), ORDER);
      FloatVector dScore = load(dScores).sub(delta).mul(p).mul(scale);
      dScore.intoMemorySegment(ALL, safe(dScores), ORDER);
      scores += KEY_BYTES;
      dScores += KEY_BYTES;
    }
  }

  @Override
  public void multiply(long scores, long factors, int queries, int keys) {
    for (int i = 0; i < queries; i += LANES) {
      long column = 4L * i;
      for (int key = 0; key < keys; key++) {
        long at = column + key * KEY_BYTES;
        load(scores + at).mul(load(factors + at)).intoMemorySegment(ALL, safe(scores + at), ORDER);
      }
    }
  }

  @Override
  public void softmaxRow(long scores, int length, float scale) {
    int whole = SPECIES.loopBound(length);
    VectorMask<Float> rest = SPECIES.indexInRange(whole, length);
    FloatVector largest = broadcast(Float.NEGATIVE_INFINITY);
    for (int i = 0; i < whole; i += LANES) {
      largest = largest.max(load(scores + 4L * i));
    }
    long end = scores + 4L * whole;
    largest = largest.lanewise(VectorOperators.MAX, load(end, rest), rest);
    float max = largest.reduceLanes(VectorOperators.MAX);

    FloatVector sums = FloatVector.zero(SPECIES);
    for (int i = 0; i < whole; i += LANES) {
      FloatVector p = expNonPositive(load(scores + 4L * i).sub(max).mul(scale));
      p.intoMemorySegment(ALL, safe(scores + 4L * i), ORDER);
      sums = sums.add(p);
    }
    FloatVector last = expNonPositive(load(end, rest).sub(max).mul(scale));
    float factor = 1 / LaneSum.of(sums.add(last, rest));

    for (int i = 0; i < whole; i += LANES) {
      long at = scores + 4L * i;
      load(at).mul(factor).intoMemorySegment(ALL, safe(at), ORDER);
    }
    last.mul(factor).intoMemorySegment(ALL, safe(end), ORDER, rest);
  }

  @Override
  public float dot(long x, long y, int length) {
    int whole = SPECIES.loopBound(length);
    FloatVector sums = FloatVector.zero(SPECIES);
    for (int i = 0; i < whole; i += LANES) {
      sums = load(x + 4L * i).fma(load(y + 4L * i), sums);
    }
    if (whole < length) {
      VectorMask<Float> rest = SPECIES.indexInRange(whole, length);
      sums = load(x + 4L * whole, rest).fma(load(y + 4L * whole, rest), sums);
    }
    return LaneSum.of(sums);
  }

  @Override
  public void weightedSum(long out, long weights, long rows, long stride, int count, int length) {
    for (int i = 0; i < length; i += LANES) {
      VectorMask<Float> mask = SPECIES.indexInRange(i, length);
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int t = 0; t < count; t++) {
        FloatVector weight = broadcast(ALL.get(JAVA_FLOAT, safe(weights + 4L * t)));
        sum = load(rows + t * stride + 4L * i, mask).fma(weight, sum);
      }
      sum.intoMemorySegment(ALL, safe(out + 4L * i), ORDER, mask);
    }
  }

  private static FloatVector broadcast(float value) {
    return FloatVector.broadcast(SPECIES, value);
  }

  private static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(SPECIES, ALL, safe(address), ORDER);
  }

  /** Lanes that are not set become 0. */
  private static FloatVector load(long address, VectorMask<Float> mask) {
    return FloatVector.fromMemorySegment(SPECIES, ALL, safe(address), ORDER, mask);
  }
}
