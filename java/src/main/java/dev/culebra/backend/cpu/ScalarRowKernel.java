package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.culebra.backend.Activation;
import dev.culebra.random.Philox;

/** {@link RowKernel} as plain loops. */
final class ScalarRowKernel implements RowKernel {
  /** Float number {@code i}. */
  static float get(long base, int i) {
    return ALL.get(JAVA_FLOAT, safe(base + 4L * i));
  }

  /** Sets float number {@code i}. */
  static void set(long base, int i, float value) {
    ALL.set(JAVA_FLOAT, safe(base + 4L * i), value);
  }

  @Override
  public int vectorBits() {
    return 0;
  }

  @Override
  public void fill(long out, float value, int length) {
    for (int i = 0; i < length; i++) {
      set(out, i, value);
    }
  }

  @Override
  public void add(long out, long a, long b, int length) {
    for (int i = 0; i < length; i++) {
      set(out, i, get(a, i) + get(b, i));
    }
  }

  @Override
  public void activationForward(long out, long in, int length, Activation activation) {
    for (int i = 0; i < length; i++) {
      float x = get(in, i);
      float y =
          switch (activation) {
            case IDENTITY -> x;
            case RELU -> Math.max(x, 0);
            case GELU_TANH -> x * ScalarMath.geluGate(x);
            case GELU_ERF -> x * ScalarMath.normalCdf(x);
            case RELU_SQUARED -> Math.max(x, 0) * Math.max(x, 0);
            case SILU -> x * ScalarMath.sigmoid(x);
          };
      set(out, i, y);
    }
  }

  @Override
  public void activationBackward(long dIn, long dOut, long in, int length, Activation activation) {
    for (int i = 0; i < length; i++) {
      float x = get(in, i);
      float d = get(dOut, i);
      float y =
          switch (activation) {
            case IDENTITY -> d;
            case RELU -> x > 0 ? d : 0;
            case GELU_TANH -> d * ScalarMath.geluTanhSlope(x);
            case GELU_ERF -> d * ScalarMath.geluErfSlope(x);
            case RELU_SQUARED -> d * (2 * Math.max(x, 0));
            case SILU -> d * ScalarMath.siluSlope(x);
          };
      set(dIn, i, y);
    }
  }

  @Override
  public float max(long in, int length) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < length; i++) {
      max = Math.max(max, get(in, i));
    }
    return max;
  }

  @Override
  public float exp(long out, long in, float shift, float slope, int length) {
    double sum = 0;
    for (int i = 0; i < length; i++) {
      float e = (float) Math.exp((get(in, i) - shift) * slope);
      set(out, i, e);
      sum += e;
    }
    return (float) sum;
  }

  @Override
  public void multiply(long out, long in, float factor, int length) {
    for (int i = 0; i < length; i++) {
      set(out, i, get(in, i) * factor);
    }
  }

  @Override
  public void product(long out, long a, long b, int length) {
    for (int i = 0; i < length; i++) {
      set(out, i, get(a, i) * get(b, i));
    }
  }

  @Override
  public void combine(long out, long a, float factorA, long b, float factorB, int length) {
    for (int i = 0; i < length; i++) {
      set(out, i, get(a, i) * factorA + get(b, i) * factorB);
    }
  }

  @Override
  public void rotate(long out, long in, long cos, long sin, float direction, int half) {
    rotate(out, in, cos, sin, direction, half, 0);
  }

  /** Rotates the pairs from {@code first} on. */
  static void rotate(long out, long in, long cos, long sin, float direction, int half, int first) {
    for (int i = first; i < half; i++) {
      float x = get(in, i);
      float y = get(in, half + i);
      float s = get(sin, i) * direction;
      set(out, i, x * get(cos, i) - y * s);
      set(out, half + i, y * get(cos, i) + x * s);
    }
  }

  @Override
  public void softcap(long out, long in, float cap, int length) {
    for (int i = 0; i < length; i++) {
      set(out, i, (float) (cap * Math.tanh(get(in, i) / cap)));
    }
  }

  @Override
  public void softcapBackward(long dIn, long dOut, long in, float cap, int length) {
    for (int i = 0; i < length; i++) {
      double tanh = Math.tanh(get(in, i) / cap);
      set(dIn, i, (float) (get(dOut, i) * (1 - tanh * tanh)));
    }
  }

  @Override
  public void uniforms(long out, long firstElement, int length, Draws draws, int[] words) {
    for (int i = 0; i < length; i++) {
      long element = firstElement + i;
      int word = (int) (element % 4);
      if (i == 0 || word == 0) {
        draws.words((int) (element / 4), words);
      }
      set(out, i, Philox.uniform(words[word]));
    }
  }

  @Override
  public void drop(long out, long in, long draws, float p, float scale, int length) {
    for (int i = 0; i < length; i++) {
      set(out, i, get(draws, i) < p ? 0 : get(in, i) * scale);
    }
  }

  @Override
  public double sumOfSquares(long in, int length) {
    double sum = 0;
    for (int i = 0; i < length; i++) {
      double x = get(in, i);
      sum += x * x;
    }
    return sum;
  }

  @Override
  public void moments(long mean, long rstd, long in, float epsilon, int length, long scratch) {
    double sum = 0;
    for (int i = 0; i < length; i++) {
      sum += get(in, i);
    }
    double centre = sum / length;
    double squares = 0;
    for (int i = 0; i < length; i++) {
      double d = get(in, i) - centre;
      squares += d * d;
    }
    set(mean, 0, (float) centre);
    set(rstd, 0, (float) (1 / Math.sqrt(squares / length + epsilon)));
  }

  @Override
  public void normalise(
      long out, long in, float mean, float rstd, long weight, long bias, int length) {
    for (int i = 0; i < length; i++) {
      float scaled = (get(in, i) - mean) * rstd * get(weight, i);
      set(out, i, bias == 0 ? scaled : scaled + get(bias, i));
    }
  }

  @Override
  public void layerNormBackward(
      long dIn,
      long addend,
      long dWeight,
      long dBias,
      long dOut,
      long in,
      float mean,
      float rstd,
      long weight,
      boolean centred,
      int length,
      long scratch) {
    double sum = 0;
    double sumNormalised = 0;
    for (int i = 0; i < length; i++) {
      float d = get(dOut, i) * get(weight, i);
      sum += d;
      sumNormalised += d * ((get(in, i) - mean) * rstd);
    }
    float meanOfD = centred ? (float) (sum / length) : 0;
    float slope = (float) (sumNormalised / length);
    for (int i = 0; i < length; i++) {
      float normalised = (get(in, i) - mean) * rstd;
      float gradient = get(dOut, i);
      set(dWeight, i, get(dWeight, i) + gradient * normalised);
      set(dBias, i, get(dBias, i) + gradient);
      float d = rstd * (gradient * get(weight, i) - meanOfD - normalised * slope);
      set(dIn, i, get(addend, i) + d);
    }
  }

  @Override
  public void adamW(
      long values,
      long gradients,
      long firstMoment,
      long secondMoment,
      int length,
      float clip,
      float beta1,
      float beta2,
      float keep,
      float rate,
      float rootScale,
      float epsilon) {
    for (int i = 0; i < length; i++) {
      float g = get(gradients, i) * clip;
      float m = beta1 * get(firstMoment, i) + (1 - beta1) * g;
      float v = beta2 * get(secondMoment, i) + (1 - beta2) * g * g;
      set(firstMoment, i, m);
      set(secondMoment, i, v);
      float direction = m / ((float) Math.sqrt(v) * rootScale + epsilon);
      set(values, i, get(values, i) * keep - rate * direction);
    }
  }
}
