package dev.culebra.examples.lecture;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Planner;
import dev.culebra.nn.Block;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Parameters;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * The same transformer block with and without the causal mask. Without it every position sees every
 * other, as in an encoder. With it no position sees what comes after it, so a decoder can be
 * trained on all positions at once and then generate text.
 */
@Command(
    name = "encoder-vs-decoder",
    header = "What the causal mask changes: who sees the last token?",
    footer = {"", "Example: culebra lecture encoder-vs-decoder"})
public final class EncoderVersusDecoder implements Runnable {
  @Mixin private CommonFlags common;

  private static final int TIME = 8;
  private static final int WIDTH = 32;

  @Override
  public void run() {
    float[][] in = Lab.normal(1, TIME, WIDTH);
    float[][] other = in.clone();
    other[TIME - 1] = Lab.normal(2, 1, WIDTH)[0];
    try (Lab lab = new Lab()) {
      boolean[] encoder = changed(block(lab, false, in), block(lab, false, other));
      boolean[] decoder = changed(block(lab, true, in), block(lab, true, other));
      System.out.printf("Change the last token: does the output change at position%n");
      System.out.println("                    0  1  2  3  4  5  6  7");
      System.out.println("without mask      " + text(encoder));
      System.out.println("with causal mask  " + text(decoder));
      Lab.check("an encoder's tokens all see it", count(encoder) == TIME);
      Lab.check(
          "a decoder's tokens before it do not, to the bit",
          count(decoder) == 1 && decoder[TIME - 1]);
    }
  }

  /** The output (T, C) of a block of 4 heads with fixed weights. */
  private static float[][] block(Lab lab, boolean causal, float[][] in) {
    Block block =
        new Block(new GptConfig(1, 4, WIDTH, TIME, 1, 0, true, true, Activation.GELU_TANH), causal);
    try (Parameters parameters = new Parameters(lab.backend(), block);
        Buffer memory =
            Planner.plan(lab.backend(), false, planner -> block.plan(planner, 1, TIME))) {
      parameters.initialize(1337);
      Tensor stream = lab.tensor(in).reshape(Shape.of(1, TIME, WIDTH));
      Tensor branch = block.forward(stream, null);
      Tensor out = lab.empty(1, TIME, WIDTH);
      lab.ops().elementwise().add(out, block.stream(), branch);
      return lab.read(out);
    }
  }

  private static boolean[] changed(float[][] a, float[][] b) {
    boolean[] changed = new boolean[TIME];
    for (int t = 0; t < TIME; t++) {
      changed[t] = !Arrays.equals(a[t], b[t]);
    }
    return changed;
  }

  private static int count(boolean[] marks) {
    int count = 0;
    for (boolean mark : marks) {
      count += mark ? 1 : 0;
    }
    return count;
  }

  private static String text(boolean[] marks) {
    StringBuilder text = new StringBuilder();
    for (boolean mark : marks) {
      text.append(mark ? "  x" : "  .");
    }
    return text.toString();
  }
}
