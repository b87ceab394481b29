package dev.culebra.train;

/**
 * How far a run has come: what a checkpoint says besides weights and moments.
 *
 * @param step optimizer steps taken
 * @param bestValidationLoss lowest so far, infinite before the first evaluation
 * @param seconds spent training, evaluations and files not counted
 */
public record Progress(int step, float bestValidationLoss, double seconds) {
  /** The beginning. */
  public static final Progress START = new Progress(0, Float.POSITIVE_INFINITY, 0);

  Progress next() {
    return new Progress(step + 1, bestValidationLoss, seconds);
  }

  Progress at(double seconds) {
    return new Progress(step, bestValidationLoss, seconds);
  }

  Progress withBest(float validationLoss) {
    return new Progress(step, validationLoss, seconds);
  }
}
