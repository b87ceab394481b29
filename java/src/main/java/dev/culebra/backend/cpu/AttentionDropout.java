package dev.culebra.backend.cpu;

import dev.culebra.backend.DropoutSpec;

/**
 * Draws the factors of dropout on attention probabilities, again in each pass: {@code
 * VectorAttentionDropout} with the Vector API, {@link ScalarAttentionDropout} as plain loops, to
 * the same bits. One thread at a time.
 */
interface AttentionDropout {
  /** Rows behind the factors that are scratch memory. */
  int EXTRA_ROWS = 8;

  /**
   * factors[key][query], stored like the scores of {@link AttentionKernel}: 0 where dropped, any
   * finite number for keys not seen.
   *
   * @param first element of the random key that belongs to key 0 of query 0
   * @param step elements from a query to the next
   */
  void factors(
      long factors, int queries, int keys, int diagonal, DropoutSpec dropout, long first, int step);
}
