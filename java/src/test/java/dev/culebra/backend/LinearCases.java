package dev.culebra.backend;

import static dev.culebra.backend.Numbers.magnitudes;
import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;

/** Linear layer, forward and backward. */
final class LinearCases {
  /** N, IC, OC: vectors, tails of every unrolling, several cache blocks in each direction. */
  private static final int[][] SIZES = {
    {4, 7, 5},
    {1, 1, 1},
    {1, 7, 3},
    {3, 1, 5},
    {5, 17, 1},
    {2, 33, 64},
    {7, 64, 33},
    {13, 129, 65},
    {31, 128, 127},
    {64, 64, 64},
    {130, 33, 17},
    {65, 130, 67},
    {12, 1030, 20},
    {20, 10, 600},
    {600, 3, 20},
    {128, 192, 160},
    {2, 8, 16},
    {9, 40, 24},
    {40, 136, 8},
    {1, 1032, 21},
    {5, 1040, 6},
    {8, 24, 40}
  };

  private LinearCases() {}

  static Stream<OpCase> all() {
    return Stream.concat(
        // A row of weights too long for the registers of a block.
        Stream.of(forward(2, 8200, 3, true, Activation.IDENTITY, false)), ofSizes());
  }

  private static Stream<OpCase> ofSizes() {
    return Stream.concat(
        Arrays.stream(SIZES)
            .flatMap(
                s ->
                    Stream.of(
                        forward(s[0], s[1], s[2], true, Activation.IDENTITY, false),
                        forward(s[0], s[1], s[2], false, Activation.IDENTITY, false),
                        forward(s[0], s[1], s[2], true, Activation.GELU_TANH, true),
                        backward(s[0], s[1], s[2], true, true, Activation.GELU_TANH),
                        backward(s[0], s[1], s[2], true, true, Activation.IDENTITY),
                        backward(s[0], s[1], s[2], false, false, Activation.IDENTITY))),
        Arrays.stream(Activation.values())
            .filter(activation -> activation != Activation.IDENTITY)
            .flatMap(
                activation ->
                    Stream.concat(of(activation, 9, 21, 19), of(activation, 11, 48, 32))));
  }

  private static Stream<OpCase> of(Activation activation, int n, int ic, int oc) {
    return Stream.of(
        forward(n, ic, oc, true, activation, true),
        forward(n, ic, oc, false, activation, true),
        forward(n, ic, oc, true, activation, false),
        forward(n, ic, oc, false, activation, false),
        backward(n, ic, oc, true, true, activation));
  }

  private static OpCase forward(
      int n, int ic, int oc, boolean bias, Activation activation, boolean keeps) {
    String name =
        "linearForward N=%d IC=%d OC=%d %s%s%s"
            .formatted(n, ic, oc, activation, bias ? " bias" : "", keeps ? " kept" : "");
    return new OpCase(
        name,
        run -> {
          float[] in = run.normal(n * ic);
          float[] weight = run.normal(oc * ic);
          float[] shift = bias ? run.normal(oc) : null;
          Tensor out = run.output(n, oc);
          Tensor pre = keeps ? run.optional(run.output(n, oc)) : null;
          run.ops()
              .linear()
              .forward(
                  out,
                  pre,
                  run.input(in, n, ic),
                  run.input(weight, oc, ic),
                  run.optional(run.inputOrNull(shift, oc)),
                  activation);
          double[] exact =
              ReferenceOps.linearForward(widened(in), widened(weight), widened(shift), n, ic, oc);
          double[] terms =
              ReferenceOps.linearForward(
                  magnitudes(widened(in)),
                  magnitudes(widened(weight)),
                  magnitudes(widened(shift)),
                  n,
                  ic,
                  oc);
          // The product without the bias may be stored before the pre-activation, and that before
          // the activation.
          double[] product =
              magnitudes(ReferenceOps.linearForward(widened(in), widened(weight), null, n, ic, oc));
          if (keeps) {
            run.result("preActivation", pre, () -> new Expected(exact, terms, ic, product));
          }
          double[] stored =
              activation == Activation.IDENTITY
                  ? product
                  : steepest(ReferenceOps.add(product, magnitudes(exact)), exact, activation);
          double[] activated = ReferenceOps.activationForward(exact, activation);
          double[] magnitudes = steepest(terms, exact, activation);
          run.result("out", out, () -> new Expected(activated, magnitudes, ic, stored));
        });
  }

  /** No activation is steeper than 1.13, except a square, whose slope is 2x. */
  private static double[] steepest(double[] magnitudes, double[] at, Activation activation) {
    double[] steep = new double[at.length];
    for (int i = 0; i < at.length; i++) {
      boolean square = activation == Activation.RELU_SQUARED;
      steep[i] = magnitudes[i] * (square ? 2.1 * Math.abs(at[i]) + 1 : 1.13);
    }
    return steep;
  }

  /**
   * @param through the activation that produced the input; its backward is also requested, unless
   *     it is the identity
   */
  private static OpCase backward(
      int n, int ic, int oc, boolean bias, boolean passesOn, Activation through) {
    boolean activated = through != Activation.IDENTITY;
    String name =
        "linearBackward N=%d IC=%d OC=%d%s%s%s"
            .formatted(
                n,
                ic,
                oc,
                bias ? " bias" : "",
                passesOn ? "" : " without dIn",
                activated ? " through " + through : "");
    return new OpCase(
        name,
        run -> {
          float[] in = run.normal(n * ic);
          float[] weight = run.normal(oc * ic);
          float[] d = run.normal(n * oc);
          float[] pre = activated ? run.normal(n * ic) : null;
          float[] startWeight = run.singleNormal(oc * ic);
          float[] startBias = bias ? run.singleNormal(oc) : null;
          Tensor dIn = passesOn ? run.optional(run.output(n, ic)) : null;
          Tensor dWeight = run.single(startWeight, oc, ic);
          Tensor dBias = run.optional(run.singleOrNull(startBias, oc));
          run.ops()
              .linear()
              .backward(
                  dIn,
                  dWeight,
                  dBias,
                  run.input(d, n, oc),
                  run.input(in, n, ic),
                  run.input(weight, oc, ic),
                  run.inputOrNull(pre, n, ic),
                  through);
          var exact =
              ReferenceOps.linearBackward(widened(d), widened(in), widened(weight), n, ic, oc);
          var terms =
              ReferenceOps.linearBackward(
                  magnitudes(widened(d)),
                  magnitudes(widened(in)),
                  magnitudes(widened(weight)),
                  n,
                  ic,
                  oc);
          if (passesOn) {
            run.result("dIn", dIn, () -> dIn(exact.in(), terms.in(), oc, pre, through));
          }
          run.result(
              "dWeight",
              dWeight,
              () -> Expected.added(startWeight, exact.weight(), terms.weight(), n));
          if (bias) {
            run.result(
                "dBias", dBias, () -> Expected.added(startBias, exact.bias(), terms.bias(), n));
          }
        });
  }

  /** The product may be stored before it is multiplied by the slope. */
  private static Expected dIn(
      double[] product, double[] terms, int oc, float[] pre, Activation through) {
    if (pre == null) {
      return new Expected(product, terms, oc);
    }
    double[] at = widened(pre);
    return new Expected(
        ReferenceOps.activationBackward(product, at, through),
        steepest(terms, at, through),
        oc,
        steepest(magnitudes(product), at, through));
  }
}
