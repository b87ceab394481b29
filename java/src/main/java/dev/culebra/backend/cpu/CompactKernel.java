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
  /** As {@link GemmKernel#dots}, with weights of BF16. */
  void dotsBf16(
      long out, long outStride, long x, int n, long values, int count, int length, long scratch);

  /** As {@link GemmKernel#dots}, with weights of INT8. */
  void dotsInt8(
      long out, long outStride, long x, int n, long values, long scales, int count, int length);

  /** to[k] = from[k] rounded to BF16, for floats at any address. */
  void narrowBf16(long to, long from, int length);

  /**
   * to[k] = from[k] / scale rounded to the nearest whole number, for floats at any address that
   * share a scale: the largest of their sizes / 127.
   *
   * @return the scale
   */
  float narrowInt8(long to, long from, int length);

  /** to[k] = w[k] of one row of BF16. */
  void widenBf16(long to, long values, int length);

  /** to[k] = scale · w[k] of {@code length} weights that share a scale. */
  void widenInt8(long to, long values, float scale, int length);
}
