package dev.culebra.backend;

/**
 * The operations of {@link Ops} in double precision and plain loops: the reference for backends.
 * Arrays are row-major, sizes are explicit, results are returned. A gradient that an operation adds
 * is returned without its initial value. Attention is in {@link ReferenceAttention}, sampling in
 * {@link ReferenceSampler}.
 */
public final class ReferenceOps {
  private ReferenceOps() {}

  /** (rows, c); row r is at time {@code r % t}. {@code positionTable} may be null. */
  public static double[] embeddingForward(
      int[] tokens, double[] tokenTable, double[] positionTable, int offset, int t, int c) {
    double[] out = new double[tokens.length * c];
    for (int r = 0; r < tokens.length; r++) {
      for (int i = 0; i < c; i++) {
        double position = positionTable == null ? 0 : positionTable[(offset + r % t) * c + i];
        out[r * c + i] = tokenTable[tokens[r] * c + i] + position;
      }
    }
    return out;
  }

  /** Gradient of a token table with {@code vocab} rows. */
  public static double[] tokenTableGradient(double[] dOut, int[] tokens, int vocab, int c) {
    double[] gradient = new double[vocab * c];
    for (int r = 0; r < tokens.length; r++) {
      for (int i = 0; i < c; i++) {
        gradient[tokens[r] * c + i] += dOut[r * c + i];
      }
    }
    return gradient;
  }

  /** Gradient of a position table with {@code positions} rows. */
  public static double[] positionTableGradient(double[] dOut, int t, int positions, int c) {
    double[] gradient = new double[positions * c];
    for (int e = 0; e < dOut.length; e++) {
      gradient[e % (t * c)] += dOut[e];
    }
    return gradient;
  }

  /** The results of a layernorm: out (n, c), mean (n), rstd (n). */
  public record LayerNorm(double[] out, double[] mean, double[] rstd) {}

  /**
   * {@code bias} may be null.
   *
   * @param centred whether the mean is subtracted; otherwise it is returned as 0
   */
  public static LayerNorm layerNormForward(
      double[] in, double[] weight, double[] bias, int n, int c, boolean centred, double epsilon) {
    LayerNorm result = new LayerNorm(new double[n * c], new double[n], new double[n]);
    for (int r = 0; r < n; r++) {
      double mean = 0;
      for (int i = 0; centred && i < c; i++) {
        mean += in[r * c + i] / c;
      }
      double variance = 0;
      for (int i = 0; i < c; i++) {
        variance += (in[r * c + i] - mean) * (in[r * c + i] - mean) / c;
      }
      double rstd = 1 / Math.sqrt(variance + epsilon);
      for (int i = 0; i < c; i++) {
        double normalised = (in[r * c + i] - mean) * rstd;
        result.out[r * c + i] = normalised * weight[i] + (bias == null ? 0 : bias[i]);
      }
      result.mean[r] = mean;
      result.rstd[r] = rstd;
    }
    return result;
  }

  /** Gradients of a layernorm: of the input (n, c), the weight (c) and the bias (c). */
  public record LayerNormGradients(double[] in, double[] weight, double[] bias) {}

  public static LayerNormGradients layerNormBackward(
      double[] dOut,
      double[] in,
      double[] mean,
      double[] rstd,
      double[] weight,
      int n,
      int c,
      boolean centred) {
    var gradients = new LayerNormGradients(new double[n * c], new double[c], new double[c]);
    for (int r = 0; r < n; r++) {
      double meanOfD = 0;
      double meanOfDTimesNormalised = 0;
      for (int i = 0; i < c; i++) {
        double normalised = (in[r * c + i] - mean[r]) * rstd[r];
        double d = dOut[r * c + i] * weight[i];
        meanOfD += centred ? d / c : 0;
        meanOfDTimesNormalised += d * normalised / c;
        gradients.weight[i] += dOut[r * c + i] * normalised;
        gradients.bias[i] += dOut[r * c + i];
      }
      for (int i = 0; i < c; i++) {
        double normalised = (in[r * c + i] - mean[r]) * rstd[r];
        double d = dOut[r * c + i] * weight[i];
        gradients.in[r * c + i] = rstd[r] * (d - meanOfD - normalised * meanOfDTimesNormalised);
      }
    }
    return gradients;
  }

  /** in (n, ic) · weight (oc, ic)ᵀ + bias (oc): the pre-activation. {@code bias} may be null. */
  public static double[] linearForward(
      double[] in, double[] weight, double[] bias, int n, int ic, int oc) {
    double[] out = new double[n * oc];
    for (int r = 0; r < n; r++) {
      for (int o = 0; o < oc; o++) {
        double sum = bias == null ? 0 : bias[o];
        for (int i = 0; i < ic; i++) {
          sum += in[r * ic + i] * weight[o * ic + i];
        }
        out[r * oc + o] = sum;
      }
    }
    return out;
  }

  /** Gradients of a linear layer: of the input (n, ic), the weight (oc, ic) and the bias (oc). */
  public record LinearGradients(double[] in, double[] weight, double[] bias) {}

  public static LinearGradients linearBackward(
      double[] dOut, double[] in, double[] weight, int n, int ic, int oc) {
    var gradients = new LinearGradients(new double[n * ic], new double[oc * ic], new double[oc]);
    for (int r = 0; r < n; r++) {
      for (int o = 0; o < oc; o++) {
        for (int i = 0; i < ic; i++) {
          gradients.in[r * ic + i] += dOut[r * oc + o] * weight[o * ic + i];
          gradients.weight[o * ic + i] += dOut[r * oc + o] * in[r * ic + i];
        }
        gradients.bias[o] += dOut[r * oc + o];
      }
    }
    return gradients;
  }

  public static double[] activationForward(double[] in, Activation activation) {
    double[] out = new double[in.length];
    for (int i = 0; i < in.length; i++) {
      double x = in[i];
      out[i] =
          switch (activation) {
            case IDENTITY -> x;
            case RELU -> Math.max(x, 0);
            case GELU_TANH -> x / 2 * (1 + Math.tanh(geluInner(x)));
            case GELU_ERF -> x * normalCdf(x);
            case RELU_SQUARED -> Math.max(x, 0) * Math.max(x, 0);
            case SILU -> x / (1 + Math.exp(-x));
          };
    }
    return out;
  }

  public static double[] activationBackward(double[] dOut, double[] in, Activation activation) {
    double[] dIn = new double[in.length];
    for (int i = 0; i < in.length; i++) {
      double x = in[i];
      double slope =
          switch (activation) {
            case IDENTITY -> 1;
            case RELU -> x > 0 ? 1 : 0;
            case GELU_TANH -> {
              double tanh = Math.tanh(geluInner(x));
              yield (1 + tanh) / 2 + x / 2 * (1 - tanh * tanh) * geluInnerSlope(x);
            }
            case GELU_ERF -> normalCdf(x) + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
            case RELU_SQUARED -> 2 * Math.max(x, 0);
            case SILU -> {
              double sigmoid = 1 / (1 + Math.exp(-x));
              yield sigmoid + x * sigmoid * (1 - sigmoid);
            }
          };
      dIn[i] = dOut[i] * slope;
    }
    return dIn;
  }

  /** in (n, 2h) → (n, h). */
  public static double[] gatedForward(double[] in, int n, int h, Activation activation) {
    double[] activated = activationForward(in, activation);
    double[] out = new double[n * h];
    for (int e = 0; e < n * h; e++) {
      int gate = e / h * 2 * h + e % h;
      out[e] = activated[gate] * in[gate + h];
    }
    return out;
  }

  public static double[] gatedBackward(
      double[] dOut, double[] in, int n, int h, Activation activation) {
    double[] activated = activationForward(in, activation);
    double[] d = new double[2 * n * h];
    for (int e = 0; e < n * h; e++) {
      int gate = e / h * 2 * h + e % h;
      d[gate] = dOut[e] * in[gate + h];
      d[gate + h] = dOut[e] * activated[gate];
    }
    double[] slopes = activationBackward(d, in, activation);
    for (int e = 0; e < n * h; e++) {
      int gate = e / h * 2 * h + e % h;
      d[gate] = slopes[gate];
    }
    return d;
  }

  public static double[] softcapForward(double[] in, double cap) {
    return java.util.Arrays.stream(in).map(x -> cap * Math.tanh(x / cap)).toArray();
  }

  public static double[] softcapBackward(double[] dOut, double[] in, double cap) {
    double[] dIn = new double[in.length];
    for (int i = 0; i < in.length; i++) {
      dIn[i] = dOut[i] / Math.pow(Math.cosh(in[i] / cap), 2);
    }
    return dIn;
  }

  private static double geluInner(double x) {
    return Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
  }

  public static double geluInnerSlope(double x) {
    return Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
  }

  /**
   * (1 + erf(x / √2)) / 2. Near 0 by the series x + x³/3 + x⁵/(3·5) + …, further out by the
   * continued fraction of the upper tail, 1 / (x + 1 / (x + 2 / (x + 3 / …))), each times the
   * normal density (Abramowitz and Stegun, "Handbook of mathematical functions", 26.2.11 and
   * 26.2.14).
   */
  public static double normalCdf(double x) {
    double density = Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    double magnitude = Math.abs(x);
    if (magnitude < 3) {
      double term = x;
      double sum = x;
      for (int k = 3; Math.abs(term) > 1e-18 * Math.abs(sum); k += 2) {
        term *= x * x / k;
        sum += term;
      }
      return 0.5 + density * sum;
    }
    double fraction = magnitude;
    for (int k = 100; k >= 1; k--) {
      fraction = magnitude + k / fraction;
    }
    return x < 0 ? density / fraction : 1 - density / fraction;
  }

  /** Dropout of element e by draw e of {@code draws}; forward and backward are the same. */
  public static double[] dropout(double[] in, float p, ReferenceRandom draws) {
    double[] out = new double[in.length];
    for (int e = 0; e < in.length; e++) {
      out[e] = in[e] * draws.dropoutFactor(e, p);
    }
    return out;
  }

  /** A cross-entropy: losses (n), scale · mean loss, and its gradient (n, columns). */
  public record CrossEntropy(double[] losses, double meanLoss, double[] gradient) {}

  /** {@code logits} has {@code columns ≥ vocab} columns. */
  public static CrossEntropy crossEntropy(
      double[] logits, int[] targets, int vocab, int columns, double scale) {
    int counted = 0;
    for (int target : targets) {
      counted += target == CrossEntropyOp.IGNORE ? 0 : 1;
    }
    double[] losses = new double[targets.length];
    double[] gradient = new double[logits.length];
    double meanLoss = 0;
    for (int r = 0; r < targets.length; r++) {
      if (targets[r] == CrossEntropyOp.IGNORE) {
        continue;
      }
      double[] probabilities = softmax(logits, r * columns, vocab);
      losses[r] = logSumExp(logits, r * columns, vocab) - logits[r * columns + targets[r]];
      meanLoss += scale * losses[r] / counted;
      for (int j = 0; j < vocab; j++) {
        double hit = j == targets[r] ? 1 : 0;
        gradient[r * columns + j] = scale * (probabilities[j] - hit) / counted;
      }
    }
    return new CrossEntropy(losses, meanLoss, gradient);
  }

  /** ln Σ exp(values[from … from + length)). */
  public static double logSumExp(double[] values, int from, int length) {
    double largest = largest(values, from, length);
    double sum = 0;
    for (int i = from; i < from + length; i++) {
      sum += Math.exp(values[i] - largest);
    }
    return largest + Math.log(sum);
  }

  /** exp(value) / Σ exp(values), of values[from … from + length). */
  public static double[] softmax(double[] values, int from, int length) {
    double largest = largest(values, from, length);
    double[] probabilities = new double[length];
    double sum = 0;
    for (int i = 0; i < length; i++) {
      probabilities[i] = Math.exp(values[from + i] - largest);
      sum += probabilities[i];
    }
    for (int i = 0; i < length; i++) {
      probabilities[i] /= sum;
    }
    return probabilities;
  }

  private static double largest(double[] values, int from, int length) {
    double largest = Double.NEGATIVE_INFINITY;
    for (int i = from; i < from + length; i++) {
      largest = Math.max(largest, values[i]);
    }
    return largest;
  }

  public static double[] add(double[] a, double[] b) {
    double[] sum = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      sum[i] = a[i] + b[i];
    }
    return sum;
  }

  public static double norm(double[] in) {
    double sum = 0;
    for (double x : in) {
      sum += x * x;
    }
    return Math.sqrt(sum);
  }

  /** The state after an AdamW step. */
  public record AdamW(double[] values, double[] firstMoment, double[] secondMoment) {}

  public static AdamW adamW(
      double[] values,
      double[] gradients,
      double[] firstMoment,
      double[] secondMoment,
      double gradientNorm,
      long decayed,
      AdamWStep step) {
    int n = values.length;
    AdamW next = new AdamW(new double[n], new double[n], new double[n]);
    boolean clips = step.maxNorm() > 0 && gradientNorm > step.maxNorm();
    double clip = clips ? step.maxNorm() / gradientNorm : 1;
    double beta1 = step.beta1();
    double beta2 = step.beta2();
    for (int i = 0; i < n; i++) {
      double g = gradients[i] * clip;
      next.firstMoment[i] = beta1 * firstMoment[i] + (1 - beta1) * g;
      next.secondMoment[i] = beta2 * secondMoment[i] + (1 - beta2) * g * g;
      double first = next.firstMoment[i] / (1 - Math.pow(beta1, step.step()));
      double second = next.secondMoment[i] / (1 - Math.pow(beta2, step.step()));
      double decay = i < decayed ? step.weightDecay() * values[i] : 0;
      double direction = first / (Math.sqrt(second) + step.epsilon());
      next.values[i] = values[i] - step.learningRate() * (direction + decay);
    }
    return next;
  }
}
