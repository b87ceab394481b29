package dev.culebra.backend.cpu;

import dev.culebra.backend.CompactWeight;

/**
 * The inner loops of products with a {@link CompactWeight}, on absolute addresses: {@code
 * VectorCompactKernel} with the Vector API, {@link ScalarCompactKernel} as plain loops. Stateless
 * and thread-safe.
 *
 * <p>A row of {@code length} weights lies in {@code values}; in INT8 its scales lie in {@code
 * scales}, one for each {@link CompactWeight#BLOCK} columns. Rows follow each other without gaps.
 */
interface CompactKernel {
  /** out[i] = x · w[i] for {@code rows} rows of BF16. */
  void dotsBf16(long out, long x, long values, int rows, int length);

  /** out[i] = x · w[i] for {@code rows} rows of INT8. */
  void dotsInt8(long out, long x, long values, long scales, int rows, int length);

  /** to[k] = w[k] of one row of BF16. */
  void widenBf16(long to, long values, int length);

  /** to[k] = scale · w[k] of {@code length} weights that share a scale. */
  void widenInt8(long to, long values, float scale, int length);
}
