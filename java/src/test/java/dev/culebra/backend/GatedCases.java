package dev.culebra.backend;

import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;

/** Gated activations, forward and backward. */
final class GatedCases {
  private static final int[][] SIZES = {{2, 3}, {1, 1}, {3, 8}, {5, 17}, {4, 64}, {33, 130}};
  private static final Activation[] ACTIVATIONS = {
    Activation.SILU, Activation.GELU_TANH, Activation.RELU_SQUARED, Activation.IDENTITY
  };

  private GatedCases() {}

  static Stream<OpCase> all() {
    return Arrays.stream(SIZES)
        .flatMap(
            size ->
                Arrays.stream(ACTIVATIONS)
                    .flatMap(
                        activation ->
                            Stream.of(
                                forward(size[0], size[1], activation),
                                backward(size[0], size[1], activation))));
  }

  private static OpCase forward(int n, int h, Activation activation) {
    return new OpCase(
        "gatedForward %s N=%d H=%d".formatted(activation, n, h),
        run -> {
          float[] in = run.normal(2 * n * h);
          Tensor out = run.output(n, h);
          run.ops().gated().forward(out, run.input(in, n, 2 * h), activation);
          double[] exact = ReferenceOps.gatedForward(widened(in), n, h, activation);
          // An activation has an error of u · |x|.
          double[] magnitudes =
              Numbers.magnitudes(ReferenceOps.gatedForward(larger(in), n, h, Activation.IDENTITY));
          run.result("out", out, () -> new Expected(exact, magnitudes, 1, stored(exact)));
        });
  }

  private static OpCase backward(int n, int h, Activation activation) {
    return new OpCase(
        "gatedBackward %s N=%d H=%d".formatted(activation, n, h),
        run -> {
          float[] in = run.normal(2 * n * h);
          float[] d = run.normal(n * h);
          Tensor dIn = run.output(n, 2 * h);
          run.ops().gated().backward(dIn, run.input(d, n, h), run.input(in, n, 2 * h), activation);
          double[] exact = ReferenceOps.gatedBackward(widened(d), widened(in), n, h, activation);
          double[] magnitudes =
              Numbers.magnitudes(
                  ReferenceOps.gatedBackward(
                      widened(d), larger(in), n, h, Activation.RELU_SQUARED));
          double[] plain =
              Numbers.magnitudes(
                  ReferenceOps.gatedBackward(widened(d), larger(in), n, h, Activation.IDENTITY));
          run.result(
              "dIn",
              dIn,
              () -> new Expected(exact, ReferenceOps.add(magnitudes, plain), 1, stored(exact)));
        });
  }

  /** |in| + 1: an activation and its slope are at most a few times this. */
  private static double[] larger(float[] in) {
    return Arrays.stream(widened(in)).map(x -> Math.abs(x) + 1).toArray();
  }

  /** The activated half may be rounded before it is multiplied. */
  private static double[] stored(double[] exact) {
    return Numbers.magnitudes(exact);
  }
}
