package dev.culebra.examples.lecture;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * The same weights as softmax of scores: 0 for the past, −∞ for the future. Nothing is gained yet,
 * but scores may be any numbers: they can depend on the content of the positions.
 */
@Command(
    name = "attention-3",
    header = "Average the past with softmax.",
    footer = {"", "Example: culebra lecture attention-3"})
public final class AveragingWithSoftmax implements Runnable {
  @Mixin private CommonFlags common;

  /** The scores with the future of each position at −∞. */
  static float[][] masked(float[][] scores) {
    float[][] masked = new float[scores.length][];
    for (int t = 0; t < scores.length; t++) {
      masked[t] = scores[t].clone();
      for (int future = t + 1; future < scores.length; future++) {
        masked[t][future] = Float.NEGATIVE_INFINITY;
      }
    }
    return masked;
  }

  @Override
  public void run() {
    float[][] in = AveragingWithLoops.INPUT;
    float[][] scores = masked(new float[in.length][in.length]);
    Lab.print("scores (T, T)", scores);
    float[][] weights = Lab.softmax(scores);
    Lab.print("weights = softmax of each row", weights);
    float toProduct = Lab.difference(weights, AveragingWithAProduct.weights(in.length));
    Lab.check("the weights are attention-2's", toProduct < 1e-6);
    try (Lab lab = new Lab()) {
      float[][] out = lab.multiply(weights, in);
      Lab.print("weights · input", out);
      float difference = Lab.difference(out, AveragingWithLoops.average(in));
      Lab.check(
          "equals the loops (largest difference %.1e)".formatted(difference), difference < 1e-6);
    }
  }
}
