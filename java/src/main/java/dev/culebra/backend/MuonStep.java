package dev.culebra.backend;

/**
 * The numbers of one {@link Ops#muonUpdate}: Jordan et al., "Muon: an optimizer for hidden layers
 * in neural networks" (2024).
 *
 * @param step 1 for the first step; of the stochastic rounding
 * @param learningRate step size, the schedule already applied
 * @param weightDecay decoupled decay
 * @param seed of the stochastic rounding of weights, see {@link Ops#adamW}; else without effect
 */
public record MuonStep(int step, float learningRate, float weightDecay, long seed) {
  /** Of √max(R, C) in {@link Ops#muonUpdate}. */
  private static final double RATE_OF_ADAMW = 0.2;

  /** What a matrix keeps of itself. */
  public float keep() {
    return (float) (1 - (double) learningRate * weightDecay);
  }

  /** What is taken from a matrix (R, C), times its direction. */
  public float rate(int rows, int columns) {
    return (float) (learningRate * RATE_OF_ADAMW * Math.sqrt(Math.max(rows, columns)));
  }
}
