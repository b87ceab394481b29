package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static dev.culebra.backend.cpu.VectorMath.expNonPositive;
import static dev.culebra.backend.cpu.VectorMemory.LANES;
import static dev.culebra.backend.cpu.VectorMemory.SPECIES;
import static dev.culebra.backend.cpu.VectorMemory.load;
import static dev.culebra.backend.cpu.VectorMemory.rest;
import static dev.culebra.backend.cpu.VectorMemory.store;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** {@link AttentionKernel} with the Vector API; the end of a row goes through masks. */
final class VectorAttentionKernel implements AttentionKernel {
  @Override
  public float softmax(long scores, int length, float scale) {
    int whole = SPECIES.loopBound(length);
    VectorMask<Float> end = rest(whole, length);
    FloatVector largest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < whole; i += LANES) {
      largest = largest.max(load(scores, i));
    }
    largest = largest.lanewise(VectorOperators.MAX, load(scores, whole, end), end);
    float max = largest.reduceLanes(VectorOperators.MAX);

    FloatVector sums = FloatVector.zero(SPECIES);
    for (int i = 0; i < whole; i += LANES) {
      FloatVector p = expNonPositive(load(scores, i).sub(max).mul(scale));
      store(p, scores, i);
      sums = sums.add(p);
    }
    FloatVector last = expNonPositive(load(scores, whole, end).sub(max).mul(scale));
    float sum = LaneSum.of(sums.add(last, end));

    float factor = 1 / sum;
    for (int i = 0; i < whole; i += LANES) {
      store(load(scores, i).mul(factor), scores, i);
    }
    store(last.mul(factor), scores, whole, end);
    return scale * max + (float) Math.log(sum);
  }

  @Override
  public void probabilities(long scores, int length, float scale, float logSumExp) {
    int whole = SPECIES.loopBound(length);
    for (int i = 0; i < whole; i += LANES) {
      store(expNonPositive(load(scores, i).mul(scale).sub(logSumExp)), scores, i);
    }
    VectorMask<Float> end = rest(whole, length);
    FloatVector last = load(scores, whole, end);
    store(expNonPositive(last.mul(scale).sub(logSumExp)), scores, whole, end);
  }

  @Override
  public void scoreGradient(
      long dScores, long probabilities, int length, float delta, float scale) {
    int whole = SPECIES.loopBound(length);
    for (int i = 0; i < whole; i += LANES) {
      FloatVector p = load(probabilities, i).mul(scale);
      store(load(dScores, i).sub(delta).mul(p), dScores, i);
    }
    VectorMask<Float> end = rest(whole, length);
    FloatVector p = load(probabilities, whole, end).mul(scale);
    store(load(dScores, whole, end).sub(delta).mul(p), dScores, whole, end);
  }

  @Override
  public float dot(long x, long y, int length) {
    int whole = SPECIES.loopBound(length);
    FloatVector sums = FloatVector.zero(SPECIES);
    for (int i = 0; i < whole; i += LANES) {
      sums = load(x, i).fma(load(y, i), sums);
    }
    VectorMask<Float> end = rest(whole, length);
    return LaneSum.of(load(x, whole, end).fma(load(y, whole, end), sums));
  }

  @Override
  public void weightedSum(long out, long weights, long rows, long stride, int count, int length) {
    for (int i = 0; i < length; i += LANES) {
      VectorMask<Float> lanes = rest(i, length);
      FloatVector sum = FloatVector.zero(SPECIES);
      for (int t = 0; t < count; t++) {
        float weight = ALL.get(JAVA_FLOAT, safe(weights + 4L * t));
        sum = load(rows + t * stride, i, lanes).fma(FloatVector.broadcast(SPECIES, weight), sum);
      }
      store(sum, out, i, lanes);
    }
  }
}
