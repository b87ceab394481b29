package dev.culebra.optim;

/**
 * Learning rate of each step: linear warmup to the peak, then the schedule down to the floor at the
 * last step.
 *
 * @param schedule the shape after the warmup
 * @param peak the highest rate
 * @param floor the rate at the last step (cosine and linear)
 * @param warmup steps of linear increase; 0 for none
 * @param steps length of the run
 */
public record LearningRate(Schedule schedule, float peak, float floor, int warmup, int steps) {
  /** Shapes of the decay. */
  public enum Schedule {
    /** Half a cosine wave (Loshchilov and Hutter, "SGDR", 2017), without restarts. */
    COSINE,
    /** A straight line. */
    LINEAR,
    /** Stays at the peak. */
    CONSTANT
  }

  /** Checks the values. */
  public LearningRate {
    if (!(peak >= 0) || !(floor >= 0) || warmup < 0 || steps < 1) {
      throw new IllegalArgumentException(
          "learning rate needs peak ≥ 0, floor ≥ 0, warmup ≥ 0, steps ≥ 1");
    }
  }

  /** The rate of a step; steps count from 0. */
  public float at(int step) {
    return at(step, 0);
  }

  /**
   * The rate of a step of a run that may end before its last one.
   *
   * @param gone the fraction of the run that is over by another measure, such as time, from 0 to 1:
   *     the decay is at least this far along
   */
  public float at(int step, double gone) {
    if (step < warmup) {
      return peak * (step + 1) / warmup;
    }
    double progress =
        steps <= warmup + 1
            ? 1
            : Math.min(1, Math.max(gone, (double) (step - warmup) / (steps - 1 - warmup)));
    double height =
        switch (schedule) {
          case COSINE -> 0.5 * (1 + Math.cos(Math.PI * progress));
          case LINEAR -> 1 - progress;
          case CONSTANT -> 1;
        };
    return schedule == Schedule.CONSTANT ? peak : (float) (floor + height * (peak - floor));
  }
}
