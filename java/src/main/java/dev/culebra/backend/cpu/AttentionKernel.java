package dev.culebra.backend.cpu;

/**
 * The inner loops of attention that are not matrix products, on absolute addresses of floats:
 * {@code VectorAttentionKernel} with the Vector API, {@link ScalarAttentionKernel} as plain loops.
 * The products around them are {@link GemmKernel}'s. Stateless and thread-safe.
 *
 * <p>For whole sequences, the scores of a panel of queries are stored transposed: {@code
 * scores[key][query]} with {@link #BLOCK} floats from one key to the next. A softmax then goes down
 * the columns, many at a time, without sums across lanes. Query i of a panel sees the keys up to
 * {@code diagonal + i}; if attention is not causal, {@code diagonal} is at least the number of
 * keys.
 */
interface AttentionKernel {
  /**
   * Queries in a block of scores: a multiple of the rows and columns of a tile and of a vector's
   * lanes.
   */
  int BLOCK = 8 * GemmKernel.ROWS;

  /**
   * Replaces scores with probabilities: p = exp(scale · (s − max)) / Σ, 0 for unseen keys.
   *
   * @param queries columns of the panel; the padding up to a whole vector is overwritten
   * @param keys rows to write; those that no query of the panel sees need no scores
   * @param logSumExp one float per query, = ln Σ exp(scale · s)
   */
  void softmax(long scores, int queries, int keys, int diagonal, float scale, long logSumExp);

  /**
   * Replaces scores with probabilities, p = exp(scale · s − logSumExp), and gradients of
   * probabilities with those of scores, dScore = p · (dP − delta) · scale; both are 0 for unseen
   * keys.
   *
   * @param dScores like {@code scores}
   * @param logSumExp one float per query
   * @param delta one float per query
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

  /** A new source of dropout factors, for one thread. */
  AttentionDropout newDropout();
}
