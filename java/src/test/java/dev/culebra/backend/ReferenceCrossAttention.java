package dev.culebra.backend;

import java.util.function.BiFunction;

/**
 * Cross-attention in double precision. Queries do not depend on each other, so as many queries as
 * keys form a sequence with self-attention: {@link ReferenceAttention}.
 *
 * @param t queries T of a sequence
 * @param s keys and values S of a sequence
 * @param lengths number of valid keys of each sequence
 */
record ReferenceCrossAttention(int t, int s, int heads, int d, int[] lengths) {
  /** Gradients of queries (B, T, C) and of keys and values (B, S, 2C). */
  record Gradients(double[] queries, double[] keysValues) {}

  ReferenceAttention.Forward forward(double[] queries, double[] keysValues) {
    return forward(queries, keysValues, ReferenceAttention::forward);
  }

  /** The magnitudes (see {@link Precision}) of the results of {@link #forward}. */
  ReferenceAttention.Forward forwardMagnitudes(double[] queries, double[] keysValues) {
    return forward(queries, keysValues, ReferenceAttention::forwardMagnitudes);
  }

  private ReferenceAttention.Forward forward(
      double[] queries,
      double[] keysValues,
      BiFunction<ReferenceAttention, double[], ReferenceAttention.Forward> function) {
    ReferenceAttention.Forward all =
        new ReferenceAttention.Forward(
            new double[queries.length], new double[lengths.length * heads * t]);
    for (int b = 0; b < lengths.length; b++) {
      for (int first = 0; first < t; first += lengths[b]) {
        var part = function.apply(attention(b), packed(queries, keysValues, b, first));
        for (int i = 0; i < count(b, first); i++) {
          System.arraycopy(part.out(), i * c(), all.out(), (b * t + first + i) * c(), c());
          for (int h = 0; h < heads; h++) {
            all.logSumExp()[(b * heads + h) * t + first + i] = part.logSumExp()[h * lengths[b] + i];
          }
        }
      }
    }
    return all;
  }

  Gradients backward(double[] dOut, double[] queries, double[] keysValues) {
    return backward(dOut, queries, keysValues, ReferenceAttention::backward);
  }

  /** The magnitudes of the results of {@link #backward}. */
  Gradients backwardMagnitudes(double[] dOut, double[] queries, double[] keysValues) {
    return backward(dOut, queries, keysValues, ReferenceAttention::backwardMagnitudes);
  }

  private interface Backward {
    double[] apply(ReferenceAttention attention, double[] dOut, double[] qkv);
  }

  private Gradients backward(
      double[] dOut, double[] queries, double[] keysValues, Backward function) {
    Gradients all = new Gradients(new double[queries.length], new double[keysValues.length]);
    for (int b = 0; b < lengths.length; b++) {
      for (int first = 0; first < t; first += lengths[b]) {
        double[] d = new double[lengths[b] * c()];
        int count = count(b, first);
        System.arraycopy(dOut, (b * t + first) * c(), d, 0, count * c());
        double[] part = function.apply(attention(b), d, packed(queries, keysValues, b, first));
        for (int i = 0; i < lengths[b]; i++) {
          for (int x = 0; x < 3 * c(); x++) {
            if (x >= c()) {
              all.keysValues[(b * s + i) * 2 * c() + x - c()] += part[i * 3 * c() + x];
            } else if (i < count) {
              all.queries[(b * t + first + i) * c() + x] = part[i * 3 * c() + x];
            }
          }
        }
      }
    }
    return all;
  }

  private int c() {
    return heads * d;
  }

  private int count(int b, int first) {
    return Math.min(lengths[b], t - first);
  }

  private ReferenceAttention attention(int b) {
    return new ReferenceAttention(1, lengths[b], heads, d, false, 0, null);
  }

  /** The queries from {@code first} on, with zeros after the last, next to the keys and values. */
  private double[] packed(double[] queries, double[] keysValues, int b, int first) {
    double[] qkv = new double[lengths[b] * 3 * c()];
    for (int i = 0; i < lengths[b]; i++) {
      if (i < count(b, first)) {
        System.arraycopy(queries, (b * t + first + i) * c(), qkv, i * 3 * c(), c());
      }
      System.arraycopy(keysValues, (b * s + i) * 2 * c(), qkv, (3 * i + 1) * c(), 2 * c());
    }
    return qkv;
  }
}
