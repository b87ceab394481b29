package dev.culebra.backend;

/**
 * Attention of {@link Ops} in double precision, with the whole T × T matrix in memory.
 *
 * @param b batch B
 * @param t time T
 * @param heads number of heads
 * @param d size D of a head; the width C is heads · D
 * @param causal whether position t sees only positions ≤ t
 * @param p probability of dropping an attention probability
 * @param draws where dropout's draws come from; may be null where p is 0
 */
record ReferenceAttention(
    int b, int t, int heads, int d, boolean causal, float p, ReferenceRandom draws) {

  /** What attention gives: out (B, T, C) and logSumExp (B, heads, T). */
  record Forward(double[] out, double[] logSumExp) {}

  Forward forward(double[] qkv) {
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
            for (int x = 0; x < d; x++) {
              result.out[(i * t + query) * c + h * d + x] += kept * qkv[value(i, h, key) + x];
            }
          }
        }
      }
    }
    return result;
  }

  /** Gradient of qkv (B, T, 3C), by the chain rule through the T × T matrices. */
  double[] backward(double[] dOut, double[] qkv) {
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
    int row = (i * t + query) * heads * d + h * d;
    double[] scores = scores(qkv, i, h, query);
    double[] probabilities = ReferenceOps.softmax(scores, 0, scores.length);
    double[] dProbabilities = new double[scores.length];
    double delta = 0;
    for (int key = 0; key < scores.length; key++) {
      double factor = factor(i, h, query, key);
      for (int x = 0; x < d; x++) {
        dProbabilities[key] += factor * dOut[row + x] * qkv[value(i, h, key) + x];
        dQkv[value(i, h, key) + x] += factor * probabilities[key] * dOut[row + x];
      }
      delta += probabilities[key] * dProbabilities[key];
    }
    for (int key = 0; key < scores.length; key++) {
      double dScore = probabilities[key] * (dProbabilities[key] - delta) / Math.sqrt(d);
      for (int x = 0; x < d; x++) {
        dQkv[query(i, h, query) + x] += dScore * qkv[key(i, h, key) + x];
        dQkv[key(i, h, key) + x] += dScore * qkv[query(i, h, query) + x];
      }
    }
  }

  /** q · k / √D of one query with the keys it sees. */
  private double[] scores(double[] qkv, int i, int h, int query) {
    double[] scores = new double[causal ? query + 1 : t];
    for (int key = 0; key < scores.length; key++) {
      for (int x = 0; x < d; x++) {
        scores[key] += qkv[query(i, h, query) + x] * qkv[key(i, h, key) + x] / Math.sqrt(d);
      }
    }
    return scores;
  }

  private double factor(int i, int h, int query, int key) {
    return p == 0 ? 1 : draws.dropoutFactor((((long) i * heads + h) * t + query) * t + key, p);
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
