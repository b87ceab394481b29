package dev.culebra.backend;

/**
 * The numbers of one {@link MuonOp#update}: Jordan et al., "Muon: an optimizer for hidden layers in
 * neural networks" (2024).
 *
 * @param step 1 for the first step; used for stochastic rounding
 * @param learningRate step size, after the schedule
 * @param weightDecay decoupled decay
 * @param seed of the stochastic rounding of weights, see {@link Ops#adamW}; otherwise unused
 */
public record MuonStep(int step, float learningRate, float weightDecay, long seed) {
  /** Factor of √max(R, C) in {@link MuonOp#update}. */
  private static final double RATE_OF_ADAMW = 0.2;

  /** The factor of the old value: 1 − rate · decay. */
  public float keep() {
    return (float) (1 - (double) learningRate * weightDecay);
  }

  /** The factor of the direction of a matrix (R, C). */
  public float rate(int rows, int columns) {
    return (float) (learningRate * RATE_OF_ADAMW * Math.sqrt(Math.max(rows, columns)));
  }
}
