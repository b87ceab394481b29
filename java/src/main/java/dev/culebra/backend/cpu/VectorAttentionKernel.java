package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** {@link AttentionKernel} with the Vector API; the end of a row goes through masks. */
final class VectorAttentionKernel implements AttentionKernel {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final float LOG2_E = 1.44269504f;
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;
  private static final float ROUND = 0x1.8p23f;
  private static final float SMALLEST = -87.3f;
  private static final VectorShuffle<Float> BY_HALF = rotation(LANES / 2);
  private static final VectorShuffle<Float> BY_QUARTER = rotation(LANES / 4);
  private static final VectorShuffle<Float> BY_EIGHTH = rotation(LANES / 8);
  private static final VectorShuffle<Float> BY_SIXTEENTH = rotation(LANES / 16);

  @Override
  public float softmax(long scores, int length, float scale) {
    int whole = SPECIES.loopBound(length);
    VectorMask<Float> rest = SPECIES.indexInRange(whole, length);
    FloatVector largest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < whole; i += LANES) {
      largest = largest.max(load(scores, i));
    }
    largest = largest.lanewise(VectorOperators.MAX, load(scores, whole, rest), rest);
    float max = largest.reduceLanes(VectorOperators.MAX);

    FloatVector sums = FloatVector.zero(SPECIES);
    for (int i = 0; i < whole; i += LANES) {
      FloatVector p = exp(load(scores, i).sub(max).mul(scale));
      p.intoMemorySegment(ALL, at(scores, i), ORDER);
      sums = sums.add(p);
    }
    FloatVector last = exp(load(scores, whole, rest).sub(max).mul(scale));
    last.intoMemorySegment(ALL, at(scores, whole), ORDER, rest);
    float sum = sum(sums.add(last, rest));

    float factor = 1 / sum;
    for (int i = 0; i < whole; i += LANES) {
      load(scores, i).mul(factor).intoMemorySegment(ALL, at(scores, i), ORDER);
    }
    last.mul(factor).intoMemorySegment(ALL, at(scores, whole), ORDER, rest);
    return scale * max + (float) Math.log(sum);
  }

  @Override
  public void probabilities(long scores, int length, float scale, float logSumExp) {
    int whole = SPECIES.loopBound(length);
    VectorMask<Float> rest = SPECIES.indexInRange(whole, length);
    for (int i = 0; i < whole; i += LANES) {
      exp(load(scores, i).mul(scale).sub(logSumExp)).intoMemorySegment(ALL, at(scores, i), ORDER);
    }
    exp(load(scores, whole, rest).mul(scale).sub(logSumExp))
        .intoMemorySegment(ALL, at(scores, whole), ORDER, rest);
  }

  @Override
  public void scoreGradient(
      long dScores, long probabilities, int length, float delta, float scale) {
    int whole = SPECIES.loopBound(length);
    VectorMask<Float> rest = SPECIES.indexInRange(whole, length);
    for (int i = 0; i < whole; i += LANES) {
      FloatVector p = load(probabilities, i).mul(scale);
      load(dScores, i).sub(delta).mul(p).intoMemorySegment(ALL, at(dScores, i), ORDER);
    }
    FloatVector p = load(probabilities, whole, rest).mul(scale);
    load(dScores, whole, rest)
        .sub(delta)
        .mul(p)
        .intoMemorySegment(ALL, at(dScores, whole), ORDER, rest);
  }

  @Override
  public float dot(long x, long y, int length) {
    int whole = SPECIES.loopBound(length);
    VectorMask<Float> rest = SPECIES.indexInRange(whole, length);
    FloatVector sums = FloatVector.zero(SPECIES);
    for (int i = 0; i < whole; i += LANES) {
      sums = load(x, i).fma(load(y, i), sums);
    }
    return sum(load(x, whole, rest).fma(load(y, whole, rest), sums));
  }

  @Override
  public void weightedSum(long out, long weights, long rows, long stride, int count, int length) {
    for (int i = 0; i < length; i += LANES) {
      VectorMask<Float> mask = SPECIES.indexInRange(i, length);
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int t = 0; t < count; t++) {
        FloatVector weight = broadcast(ALL.get(JAVA_FLOAT, at(weights, t)));
        sum = load(rows + t * stride, i, mask).fma(weight, sum);
      }
      sum.intoMemorySegment(ALL, at(out, i), ORDER, mask);
    }
  }

  /**
   * eˣ for x ≤ 0 (relative error below 2e-7), exactly 0 from where it is no normal number: x = n ln
   * 2 + r, |r| ≤ ln 2 / 2, and the Taylor polynomial of degree 6 in r. Adding 1.5 · 2²³ rounds to
   * an integer n and leaves it in the low bits.
   */
  private static FloatVector exp(FloatVector x) {
    FloatVector shifted = x.fma(broadcast(LOG2_E), broadcast(ROUND));
    FloatVector n = shifted.sub(ROUND);
    FloatVector r = n.fma(broadcast(-LN2_HIGH), x);
    r = n.fma(broadcast(-LN2_LOW), r);
    FloatVector p = r.fma(broadcast(1 / 720f), broadcast(1 / 120f));
    p = p.fma(r, broadcast(1 / 24f));
    p = p.fma(r, broadcast(1 / 6f));
    p = p.fma(r, broadcast(0.5f));
    p = p.fma(r, broadcast(1));
    p = p.fma(r, broadcast(1));
    IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
    FloatVector result = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    return result.blend(0, x.compare(VectorOperators.LT, SMALLEST));
  }

  private static VectorShuffle<Float> rotation(int by) {
    return VectorShuffle.fromOp(SPECIES, i -> (i + by) % LANES);
  }

  /**
   * The sum of the lanes, halves added to each other until one is left. {@code reduceLanes} would
   * leave the order open: the interpreter and C2 take different ones, so that results would change
   * in the course of a run.
   */
  static float sum(FloatVector v) {
    v = v.add(v.rearrange(BY_HALF));
    v = v.add(v.rearrange(BY_QUARTER));
    if (LANES >= 8) {
      v = v.add(v.rearrange(BY_EIGHTH));
    }
    if (LANES >= 16) {
      v = v.add(v.rearrange(BY_SIXTEENTH));
    }
    return v.lane(0);
  }

  private static FloatVector broadcast(float value) {
    return FloatVector.broadcast(SPECIES, value);
  }

  private static FloatVector load(long address, int i) {
    return FloatVector.fromMemorySegment(SPECIES, ALL, at(address, i), ORDER);
  }

  /** Lanes that are not set become 0. */
  private static FloatVector load(long address, int i, VectorMask<Float> mask) {
    return FloatVector.fromMemorySegment(SPECIES, ALL, at(address, i), ORDER, mask);
  }

  private static long at(long address, int i) {
    return safe(address + 4L * i);
  }
}
