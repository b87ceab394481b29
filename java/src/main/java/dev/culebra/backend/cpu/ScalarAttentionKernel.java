package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

/** {@link AttentionKernel} as plain loops. */
final class ScalarAttentionKernel implements AttentionKernel {
  @Override
  public float softmax(long scores, int length, float scale) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < length; i++) {
      max = Math.max(max, get(scores, i));
    }
    float sum = 0;
    for (int i = 0; i < length; i++) {
      float p = (float) Math.exp(scale * (get(scores, i) - max));
      set(scores, i, p);
      sum += p;
    }
    for (int i = 0; i < length; i++) {
      set(scores, i, get(scores, i) / sum);
    }
    return scale * max + (float) Math.log(sum);
  }

  @Override
  public void probabilities(long scores, int length, float scale, float logSumExp) {
    for (int i = 0; i < length; i++) {
      set(scores, i, (float) Math.exp(scale * get(scores, i) - logSumExp));
    }
  }

  @Override
  public void scoreGradient(
      long dScores, long probabilities, int length, float delta, float scale) {
    for (int i = 0; i < length; i++) {
      set(dScores, i, get(probabilities, i) * (get(dScores, i) - delta) * scale);
    }
  }

  @Override
  public float dot(long x, long y, int length) {
    float sum = 0;
    for (int i = 0; i < length; i++) {
      sum += get(x, i) * get(y, i);
    }
    return sum;
  }

  @Override
  public void weightedSum(long out, long weights, long rows, long stride, int count, int length) {
    for (int i = 0; i < length; i++) {
      float sum = 0;
      for (int t = 0; t < count; t++) {
        sum += get(weights, t) * get(rows + t * stride, i);
      }
      set(out, i, sum);
    }
  }

  private static float get(long address, int i) {
    return ALL.get(JAVA_FLOAT, safe(address + 4L * i));
  }

  private static void set(long address, int i, float value) {
    ALL.set(JAVA_FLOAT, safe(address + 4L * i), value);
  }
}
