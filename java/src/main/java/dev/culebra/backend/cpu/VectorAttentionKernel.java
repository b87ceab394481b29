package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static dev.culebra.backend.cpu.VectorMath.expNonPositive;
import static dev.culebra.backend.cpu.VectorMemory.SPECIES;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link AttentionKernel} with the Vector API; the end of a row uses masks. Methods with a loop
 * take only numbers: a vector or mask passed to a method that C2 does not inline is boxed.
 */
final class VectorAttentionKernel implements AttentionKernel {
  private static final int LANES = SPECIES.length();

  /** ln 2 in two parts; a small multiple of the first is exact. */
  private static final float LN2_HIGH = 0.693359375f;

  private static final float LN2_LOW = -2.12194440e-4f;
  private static final long KEY_BYTES = 4L * BLOCK;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  /** The bits of √½. */
  private static final int ROOT_HALF = 0x3F3504F3;

  @Override
  public void softmax(
      long scores, int queries, int keys, int diagonal, float scale, long logSumExp) {
    for (int i = 0; i < queries; i += LANES) {
      long column = scores + 4L * i;
      int seen = Math.min(keys, diagonal + i + LANES);
      hide(column, diagonal + i + 1, seen, Float.NEGATIVE_INFINITY);
      exponentials(column, seen, scale, logSumExp + 4L * i, queries - i);
      normalise(column, seen, logSumExp + 4L * i, queries - i);
      clear(column, seen, keys);
    }
  }

  /** Hides keys from the queries of one vector that do not see them, where others do. */
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

  /**
   * s becomes exp(scale · (s − max)), and shift = scale · max. Uses two running maxima, to shorten
   * the dependency chain.
   */
  private static void exponentials(long column, int keys, float scale, long shift, int queries) {
    FloatVector even = load(column);
    FloatVector odd = even;
    long at = column + KEY_BYTES;
    for (int key = 2; key < keys; key += 2) {
      odd = odd.max(load(at));
      even = even.max(load(at + KEY_BYTES));
      at += 2 * KEY_BYTES;
    }
    FloatVector max = even.max(odd).max(load(column + (keys - 1) * KEY_BYTES));
    at = column;
    for (int key = 0; key < keys; key++) {
      expNonPositive(load(at).sub(max).mul(scale)).intoMemorySegment(ALL, safe(at), ORDER);
      at += KEY_BYTES;
    }
    VectorMask<Float> lanes = SPECIES.indexInRange(0, queries);
    max.mul(scale).intoMemorySegment(ALL, safe(shift), ORDER, lanes);
  }

  /**
   * Divides by the sum Σ of the column; logSumExp += ln Σ, within a unit in the last place of the
   * larger of ln Σ and 1: Σ = 2ⁿ · m with m from √½ to √2, and ln m = 2 (s + s³/3 + s⁵/5 …) with s
   * = (m − 1) / (m + 1), |s| ≤ 0.172. Σ − Σ is 0, or NaN where Σ is. The logarithm is not a
   * separate method: C2 would not inline a method called once per column, and would box its
   * argument and result.
   */
  private static void normalise(long column, int keys, long logSumExp, int queries) {
    FloatVector sum = FloatVector.zero(SPECIES);
    long at = column;
    for (int key = 0; key < keys; key++) {
      sum = sum.add(load(at));
      at += KEY_BYTES;
    }
    FloatVector factor = broadcast(1).div(sum);
    at = column;
    for (int key = 0; key < keys; key++) {
      load(at).mul(factor).intoMemorySegment(ALL, safe(at), ORDER);
      at += KEY_BYTES;
    }
    IntVector bits = sum.reinterpretAsInts();
    IntVector n = bits.sub(ROOT_HALF).lanewise(VectorOperators.ASHR, 23);
    FloatVector m = bits.sub(n.lanewise(VectorOperators.LSHL, 23)).reinterpretAsFloats();
    FloatVector s = m.sub(1).div(m.add(1));
    FloatVector square = s.mul(s);
    FloatVector series = square.fma(broadcast(2 / 9f), broadcast(2 / 7f));
    series = series.fma(square, broadcast(2 / 5f));
    series = series.fma(square, broadcast(2 / 3f));
    series = series.fma(square, broadcast(2));
    FloatVector exponent = (FloatVector) n.convert(VectorOperators.I2F, 0);
    FloatVector log = s.fma(series, exponent.mul(LN2_LOW));
    log = exponent.fma(broadcast(LN2_HIGH), log).add(sum.sub(sum));
    VectorMask<Float> lanes = SPECIES.indexInRange(0, queries);
    load(logSumExp, lanes).add(log).intoMemorySegment(ALL, safe(logSumExp), ORDER, lanes);
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
      gradientsOfColumns(
          scores + column,
          dScores + column,
          seen,
          scale,
          logSumExp + column,
          delta + column,
          queries - i);
      clear(scores + column, seen, keys);
      clear(dScores + column, seen, keys);
    }
  }

  private static void gradientsOfColumns(
      long scores, long dScores, int keys, float scale, long logSumExp, long delta, int queries) {
    VectorMask<Float> lanes = SPECIES.indexInRange(0, queries);
    FloatVector shift = load(logSumExp, lanes);
    FloatVector mean = load(delta, lanes);
    for (int key = 0; key < keys; key++) {
      FloatVector p = expNonPositive(load(scores).mul(scale).sub(shift));
      p.intoMemorySegment(ALL, safe(scores), ORDER);
      FloatVector dScore = load(dScores).sub(mean).mul(p).mul(scale);
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
  public AttentionDropout newDropout() {
    return new VectorAttentionDropout();
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

  /** Lanes outside the mask become 0. */
  private static FloatVector load(long address, VectorMask<Float> mask) {
    return FloatVector.fromMemorySegment(SPECIES, ALL, safe(address), ORDER, mask);
  }
}
