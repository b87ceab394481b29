package dev.culebra.examples.lecture;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * The same averages as one matrix product: row t of the weights is 1 / (t + 1) for position t and
 * its past, and 0 for its future.
 */
@Command(
    name = "attention-2",
    header = "Average the past with one matrix product.",
    footer = {"", "Example: culebra lecture attention-2"})
public final class AveragingWithAProduct implements Runnable {
  @Mixin private CommonFlags common;

  /** A lower triangle (T, T) whose rows sum to 1. */
  static float[][] weights(int time) {
    float[][] weights = new float[time][time];
    for (int t = 0; t < time; t++) {
      for (int past = 0; past <= t; past++) {
        weights[t][past] = 1f / (t + 1);
      }
    }
    return weights;
  }

  @Override
  public void run() {
    float[][] in = AveragingWithLoops.INPUT;
    float[][] weights = weights(in.length);
    Lab.print("weights (T, T)", weights);
    try (Lab lab = new Lab()) {
      float[][] out = lab.multiply(weights, in);
      Lab.print("weights · input", out);
      float difference = Lab.difference(out, AveragingWithLoops.average(in));
      Lab.check(
          "equals the loops (largest difference %.1e)".formatted(difference), difference < 1e-6);
    }
  }
}
