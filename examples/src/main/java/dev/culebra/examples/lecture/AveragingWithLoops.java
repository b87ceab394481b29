package dev.culebra.examples.lecture;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * The weakest form of attention: each position gets the mean of itself and the positions before it,
 * computed literally.
 */
@Command(
    name = "attention-1",
    header = "Average the past with loops.",
    footer = {"", "Example: culebra lecture attention-1"})
public final class AveragingWithLoops implements Runnable {
  @Mixin private CommonFlags common;

  /** T positions of C numbers each. */
  static final float[][] INPUT = Lab.normal(1337, 8, 2);

  /** out[t] = mean of in[0 … t]. */
  static float[][] average(float[][] in) {
    float[][] out = new float[in.length][in[0].length];
    for (int t = 0; t < in.length; t++) {
      for (int c = 0; c < in[t].length; c++) {
        float sum = 0;
        for (int past = 0; past <= t; past++) {
          sum += in[past][c];
        }
        out[t][c] = sum / (t + 1);
      }
    }
    return out;
  }

  @Override
  public void run() {
    Lab.print("input (T = 8, C = 2)", INPUT);
    float[][] out = average(INPUT);
    Lab.print("mean of the past, including itself", out);
    Lab.check("the first position has only itself", out[0][0] == INPUT[0][0]);
  }
}
