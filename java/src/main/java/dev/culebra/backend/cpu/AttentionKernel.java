package dev.culebra.backend.cpu;

/**
 * The inner loops of attention over one row of scores, on absolute addresses of floats: {@code
 * VectorAttentionKernel} with the Vector API, {@link ScalarAttentionKernel} as plain loops. The
 * matrix products around them are {@link GemmKernel}'s. Stateless and thread-safe.
 */
interface AttentionKernel {
  /**
   * Replaces scores by probabilities: p = exp(scale · (s − max)) / Σ.
   *
   * @return ln Σ exp(scale · s)
   */
  float softmax(long scores, int length, float scale);

  /** Replaces scores by probabilities whose log-sum-exp is known: p = exp(scale · s − lse). */
  void probabilities(long scores, int length, float scale, float logSumExp);

  /** dScore = p · (dScore − delta) · scale. */
  void scoreGradient(long dScores, long probabilities, int length, float delta, float scale);

  /** x · y. */
  float dot(long x, long y, int length);

  /**
   * out = Σ weight[t] · row t, for {@code count} rows of {@code length} numbers.
   *
   * @param stride bytes between rows
   */
  void weightedSum(long out, long weights, long rows, long stride, int count, int length);

  /** The fastest kernel that this JVM can run. */
  static AttentionKernel best() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
        ? new VectorAttentionKernel()
        : new ScalarAttentionKernel();
  }
}
