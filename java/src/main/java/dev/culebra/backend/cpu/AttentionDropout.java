package dev.culebra.backend.cpu;

import dev.culebra.backend.DropoutSpec;

/**
 * Draws the dropout factors of attention probabilities, anew in each pass: {@code
 * VectorAttentionDropout} with the Vector API, {@link ScalarAttentionDropout} as plain loops, with
 * the same bits. One thread at a time.
 */
interface AttentionDropout {
  /** Rows of scratch memory after the factors. */
  int EXTRA_ROWS = 8;

  /**
   * factors[key][query], stored like the scores of {@link AttentionKernel}: 0 if dropped, any
   * finite number for unseen keys.
   *
   * @param first element of the random key for key 0 of query 0
   * @param step elements from one query to the next
   */
  void factors(
      long factors, int queries, int keys, int diagonal, DropoutSpec dropout, long first, int step);
}
