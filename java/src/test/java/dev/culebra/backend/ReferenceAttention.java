package dev.culebra.backend;

import java.util.Arrays;

/**
 * Attention of {@link Ops} in double precision, with the whole T × T matrix in memory.
 *
 * @param b batch B
 * @param t time T
 * @param heads number of heads
 * @param d size D of a head; the width C is heads · D
 * @param causal whether position t sees only positions ≤ t
 * @param p probability of dropping an attention probability
 * @param draws the source of dropout's draws; may be null if p is 0
 */
public record ReferenceAttention(
    int b, int t, int heads, int d, boolean causal, float p, ReferenceRandom draws) {

  /** The results of attention: out (B, T, C) and logSumExp (B, heads, T). */
  public record Forward(double[] out, double[] logSumExp) {}

  public Forward forward(double[] qkv) {
    int c = heads * d;
    Forward result = new Forward(new double[b * t * c], new double[b * heads * t]);
    for (int i = 0; i < b; i++) {
      for (int h = 0; h < heads; h++) {
        for (int query = 0; query < t; query++) {
          double[] scores = scores(qkv, i, h, query);
          double[] probabilities = ReferenceOps.softmax(scores, 0, scores.length);
          result.logSumExp[(i * heads + h) * t + query] =
              ReferenceOps.logSumExp(scores, 0, scores.length);
          for (int key = 0; key < scores.length; key++) {
            double kept = probabilities[key] * factor(i, h, query, key);
            int value = value(i, h, key);
            for (int x = 0; x < d; x++) {
              result.out[(i * t + query) * c + h * d + x] += kept * qkv[value + x];
            }
          }
        }
      }
    }
    return result;
  }

  /**
   * The magnitudes (see {@link Precision}) of the results of {@link #forward}. An error of a score
   * is a relative error of its probability, from the score itself and from the sum that divides it.
   */
  Forward forwardMagnitudes(double[] qkv) {
    int c = heads * d;
    double[] terms = Numbers.magnitudes(qkv);
    Forward result = new Forward(new double[b * t * c], new double[b * heads * t]);
    for (int i = 0; i < b; i++) {
      for (int h = 0; h < heads; h++) {
        for (int query = 0; query < t; query++) {
          double[] scores = scores(qkv, i, h, query);
          double[] probabilities = inexact(scores, scores(terms, i, h, query));
          result.logSumExp[(i * heads + h) * t + query] =
              Arrays.stream(probabilities).sum()
                  + Math.abs(ReferenceOps.logSumExp(scores, 0, scores.length));
          for (int key = 0; key < scores.length; key++) {
            double kept = probabilities[key] * factor(i, h, query, key);
            int value = value(i, h, key);
            for (int x = 0; x < d; x++) {
              result.out[(i * t + query) * c + h * d + x] += kept * terms[value + x];
            }
          }
        }
      }
    }
    return result;
  }

  /**
   * What {@link #forward} may store in BF16 before each element of out: the probabilities, for the
   * matrix units. Σ p · |v|.
   */
  double[] storedMagnitudes(double[] qkv) {
    double[] positive = qkv.clone();
    for (int i = 0; i < qkv.length; i++) {
      boolean value = i % (3 * heads * d) >= 2 * heads * d;
      positive[i] = value ? Math.abs(qkv[i]) : qkv[i];
    }
    return forward(positive).out();
  }

  /** The softmax of {@code scores} whose terms add up to {@code terms}: its magnitudes. */
  private static double[] inexact(double[] scores, double[] terms) {
    double[] probabilities = ReferenceOps.softmax(scores, 0, scores.length);
    double mean = 0;
    for (int key = 0; key < scores.length; key++) {
      mean += probabilities[key] * terms[key];
    }
    for (int key = 0; key < scores.length; key++) {
      probabilities[key] *= 1 + terms[key] + mean;
    }
    return probabilities;
  }

  /** Gradient of qkv (B, T, 3C), by the chain rule through the T × T matrices. */
  public double[] backward(double[] dOut, double[] qkv) {
    double[] dQkv = new double[qkv.length];
    for (int i = 0; i < b; i++) {
      for (int h = 0; h < heads; h++) {
        for (int query = 0; query < t; query++) {
          backward(dQkv, dOut, qkv, i, h, query);
        }
      }
    }
    return dQkv;
  }

  private void backward(double[] dQkv, double[] dOut, double[] qkv, int i, int h, int query) {
    double[] scores = scores(qkv, i, h, query);
    double[] probabilities = ReferenceOps.softmax(scores, 0, scores.length);
    double[] dProbabilities = dProbabilities(dOut, qkv, i, h, query, scores.length);
    double delta = 0;
    for (int key = 0; key < scores.length; key++) {
      delta += probabilities[key] * dProbabilities[key];
    }
    for (int key = 0; key < scores.length; key++) {
      double dScore = probabilities[key] * (dProbabilities[key] - delta);
      passOn(dQkv, dOut, qkv, i, h, query, key, probabilities[key], dScore);
    }
  }

  /**
   * The magnitudes of the results of {@link #backward}: the same with positive terms only. The
   * difference dP − Σ p · dP has the magnitude of its terms, even if it is small.
   */
  double[] backwardMagnitudes(double[] dOut, double[] qkv) {
    return backwardMagnitudes(dOut, qkv, true);
  }

  /**
   * What {@link #backward} may store in BF16 before each element of dQkv: the probabilities for dV;
   * for dQ and dK the gradients of the scores, and out in Σ dOut · out. This is at most twice all
   * terms.
   */
  double[] storedBackwardMagnitudes(double[] dOut, double[] qkv) {
    double[] terms = backwardMagnitudes(dOut, qkv, false);
    return Arrays.stream(terms).map(x -> 2 * x).toArray();
  }

  private double[] backwardMagnitudes(double[] dOut, double[] qkv, boolean inexact) {
    double[] terms = Numbers.magnitudes(qkv);
    double[] dTerms = Numbers.magnitudes(dOut);
    double[] magnitudes = new double[qkv.length];
    for (int i = 0; i < b; i++) {
      for (int h = 0; h < heads; h++) {
        for (int query = 0; query < t; query++) {
          double[] scores = scores(qkv, i, h, query);
          double[] exact = ReferenceOps.softmax(scores, 0, scores.length);
          double[] probabilities = inexact ? inexact(scores, scores(terms, i, h, query)) : exact;
          double[] dProbabilities = dProbabilities(dTerms, terms, i, h, query, scores.length);
          double delta = 0;
          for (int key = 0; key < scores.length; key++) {
            delta += exact[key] * dProbabilities[key];
          }
          for (int key = 0; key < scores.length; key++) {
            double dScore = probabilities[key] * (dProbabilities[key] + delta);
            passOn(magnitudes, dTerms, terms, i, h, query, key, probabilities[key], dScore);
          }
        }
      }
    }
    return magnitudes;
  }

  /** dOut · v of one query and the keys it sees, with the dropout of the probabilities. */
  private double[] dProbabilities(double[] dOut, double[] qkv, int i, int h, int query, int keys) {
    double[] dProbabilities = new double[keys];
    int row = row(i, h, query);
    for (int key = 0; key < keys; key++) {
      int value = value(i, h, key);
      double sum = 0;
      for (int x = 0; x < d; x++) {
        sum += dOut[row + x] * qkv[value + x];
      }
      dProbabilities[key] = factor(i, h, query, key) * sum;
    }
    return dProbabilities;
  }

  /** Adds what one pair of query and key contributes to dQ, dK and dV. */
  private void passOn(
      double[] dQkv,
      double[] dOut,
      double[] qkv,
      int i,
      int h,
      int query,
      int key,
      double probability,
      double dScore) {
    double kept = probability * factor(i, h, query, key);
    double dProduct = dScore / Math.sqrt(d);
    int q = query(i, h, query);
    int k = key(i, h, key);
    int v = value(i, h, key);
    int row = row(i, h, query);
    for (int x = 0; x < d; x++) {
      dQkv[q + x] += dProduct * qkv[k + x];
      dQkv[k + x] += dProduct * qkv[q + x];
      dQkv[v + x] += kept * dOut[row + x];
    }
  }

  /** q · k / √D of one query with the keys it sees. */
  private double[] scores(double[] qkv, int i, int h, int query) {
    double[] scores = new double[causal ? query + 1 : t];
    int q = query(i, h, query);
    for (int key = 0; key < scores.length; key++) {
      int k = key(i, h, key);
      double sum = 0;
      for (int x = 0; x < d; x++) {
        sum += qkv[q + x] * qkv[k + x];
      }
      scores[key] = sum / Math.sqrt(d);
    }
    return scores;
  }

  private double factor(int i, int h, int query, int key) {
    return p == 0 ? 1 : draws.dropoutFactor((((long) i * heads + h) * t + query) * t + key, p);
  }

  private int row(int i, int h, int time) {
    return (i * t + time) * heads * d + h * d;
  }

  private int query(int i, int h, int time) {
    return (i * t + time) * 3 * heads * d + h * d;
  }

  private int key(int i, int h, int time) {
    return query(i, h, time) + heads * d;
  }

  private int value(int i, int h, int time) {
    return query(i, h, time) + 2 * heads * d;
  }
}
