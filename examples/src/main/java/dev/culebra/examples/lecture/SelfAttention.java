package dev.culebra.examples.lecture;

import dev.culebra.backend.Activation;
import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * One head of self-attention. Each position emits a query (what it looks for), a key (what it has)
 * and a value (what it tells); the score of a past position is the product of query and key.
 */
@Command(
    name = "attention-4",
    header = "Self-attention: one head, with scaled scores.",
    footer = {"", "Example: culebra lecture attention-4"})
public final class SelfAttention implements Runnable {
  @Mixin private CommonFlags common;

  private static final int TIME = 8;
  private static final int WIDTH = 32;
  private static final int HEAD = 16;

  @Override
  public void run() {
    float[][] in = Lab.normal(1, TIME, WIDTH);
    // Scaled so that queries, keys and values have variance 1, like the input.
    float[][] weights = scaled(Lab.normal(2, 3 * HEAD, WIDTH), 1 / (float) Math.sqrt(WIDTH));
    try (Lab lab = new Lab()) {
      Tensor qkv = lab.empty(1, TIME, 3 * HEAD);
      lab.ops()
          .linear()
          .forward(
              qkv,
              null,
              lab.tensor(in).reshape(Shape.of(1, TIME, WIDTH)),
              lab.tensor(weights),
              null,
              Activation.IDENTITY);
      float[][] query = columns(lab.read(qkv), 0);
      float[][] key = columns(lab.read(qkv), HEAD);
      float[][] value = columns(lab.read(qkv), 2 * HEAD);

      float[][] raw = lab.multiply(query, Lab.transposed(key));
      float[][] scores = scaled(raw, 1 / (float) Math.sqrt(HEAD));
      float[][] attention = Lab.softmax(AveragingWithSoftmax.masked(scores));
      Lab.print("weights of one sequence: softmax(mask(Q Kᵀ / √D))", attention);
      compareWithLibrary(lab, qkv, lab.multiply(attention, value));
      explainScale(lab);
    }
  }

  private static void compareWithLibrary(Lab lab, Tensor qkv, float[][] byHand) {
    Tensor out = lab.empty(1, TIME, HEAD);
    Tensor logSumExp = lab.empty(1, 1, TIME);
    lab.ops()
        .attention()
        .forward(out, logSumExp, qkv, new AttentionSpec(1, true, DropoutSpec.NONE));
    float difference = Lab.difference(byHand, lab.read(out));
    Lab.check(
        "the library's fused attention gives the same result (largest difference %.1e)"
            .formatted(difference),
        difference < 1e-5);
  }

  /** A sum of D products of variance 1 has variance D; softmax of large scores picks only one. */
  private static void explainScale(Lab lab) {
    float[][] raw =
        lab.multiply(Lab.normal(3, 256, HEAD), Lab.transposed(Lab.normal(4, 256, HEAD)));
    System.out.printf(
        "variance of Q Kᵀ, both of variance 1: %.2f; divided by √%d: %.2f%n",
        variance(raw), HEAD, variance(scaled(raw, 1 / (float) Math.sqrt(HEAD))));
    float[] small = {0.1f, -0.2f, 0.3f, -0.2f, 0.5f};
    float[] large = scaled(new float[][] {small}, 8)[0];
    System.out.println("softmax of    " + Lab.text(small));
    System.out.println("  is          " + Lab.text(Lab.softmax(small)));
    System.out.println("softmax of 8 ×" + Lab.text(small));
    System.out.println("  is          " + Lab.text(Lab.softmax(large)));
    Lab.check(
        "larger scores sharpen softmax towards the largest",
        Lab.softmax(large)[4] > 2 * Lab.softmax(small)[4]);
  }

  private static float[][] columns(float[][] matrix, int first) {
    float[][] part = new float[matrix.length][HEAD];
    for (int r = 0; r < matrix.length; r++) {
      System.arraycopy(matrix[r], first, part[r], 0, HEAD);
    }
    return part;
  }

  private static float[][] scaled(float[][] matrix, float factor) {
    float[][] scaled = new float[matrix.length][matrix[0].length];
    for (int r = 0; r < matrix.length; r++) {
      for (int c = 0; c < matrix[r].length; c++) {
        scaled[r][c] = factor * matrix[r][c];
      }
    }
    return scaled;
  }

  private static double variance(float[][] matrix) {
    double squares = 0;
    for (float[] row : matrix) {
      for (float x : row) {
        squares += (double) x * x;
      }
    }
    return squares / (matrix.length * matrix[0].length);
  }
}
