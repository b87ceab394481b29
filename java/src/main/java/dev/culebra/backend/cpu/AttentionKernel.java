package dev.culebra.backend.cpu;

/**
 * The inner loops of attention that are not matrix products, on absolute addresses of floats:
 * {@code VectorAttentionKernel} with the Vector API, {@link ScalarAttentionKernel} as plain loops.
 * The products around them are {@link GemmKernel}'s. Stateless and thread-safe.
 *
 * <p>Over whole sequences the scores of a panel of queries are stored across: {@code
 * scores[key][query]} with {@link #BLOCK} floats from one key to the next. A softmax then goes down
 * the columns, many at a time, with no sum within a vector. Query i of a panel sees the keys up to
 * {@code diagonal + i}; where attention is not causal, {@code diagonal} is at least the number of
 * keys.
 */
interface AttentionKernel {
  /**
   * Queries whose scores are held at once: a multiple of the rows and of the columns of a tile, and
   * of the lanes of a vector.
   */
  int BLOCK = 8 * GemmKernel.ROWS;

  /**
   * Replaces scores by probabilities: p = exp(scale · (s − max)) / Σ, 0 for keys not seen.
   *
   * @param queries columns of the panel; the padding behind them, to a whole vector, is overwritten
   * @param keys rows to write; those that no query of the panel sees need not hold scores
   * @param logSumExp a float a query, = ln Σ exp(scale · s)
   */
  void softmax(long scores, int queries, int keys, int diagonal, float scale, long logSumExp);

  /**
   * Replaces scores by probabilities, p = exp(scale · s − logSumExp), and gradients of the
   * probabilities by those of the scores, dScore = p · (dP − delta) · scale; both 0 for keys not
   * seen.
   *
   * @param dScores like {@code scores}
   * @param logSumExp a float a query
   * @param delta a float a query
   */
  void gradients(
      long scores,
      long dScores,
      int queries,
      int keys,
      int diagonal,
      float scale,
      long logSumExp,
      long delta);

  /** scores = scores · factors, both stored as above. */
  void multiply(long scores, long factors, int queries, int keys);

  /** x · y. */
  float dot(long x, long y, int length);

  /**
   * out = Σ weight[t] · row t, for {@code count} rows of {@code length} numbers.
   *
   * @param stride bytes between rows
   */
  void weightedSum(long out, long weights, long rows, long stride, int count, int length);

  /** What draws the factors of dropout, for one thread. */
  AttentionDropout newDropout();
}
