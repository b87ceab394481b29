package dev.culebra.backend;

import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Activations, forward and backward. */
final class ActivationCases {
  private static final int[] LENGTHS = {17, 1, 3, 64, 129, 4099};
  private static final float[] SPECIAL = {
    0,
    -0f,
    1e-30f,
    -1e-30f,
    0.5f,
    -0.5f,
    5,
    -5,
    9.5f,
    -9.5f,
    20,
    -20,
    100,
    -100,
    1e4f,
    -1e4f,
    Float.NaN // must not disappear: training stops if the loss is NaN
  };

  private ActivationCases() {}

  static Stream<OpCase> all() {
    return Arrays.stream(Activation.values())
        .flatMap(
            activation ->
                IntStream.of(LENGTHS)
                    .boxed()
                    .flatMap(
                        length ->
                            Stream.of(
                                forward(length, activation, false),
                                forward(length, activation, true),
                                backward(length, activation, false),
                                backward(length, activation, true))));
  }

  /** The special values, as many as fit, then numbers of moderate size. */
  private static float[] values(OpRun run, int length) {
    float[] values = Numbers.times(run.normal(length), 2);
    System.arraycopy(SPECIAL, 0, values, 0, Math.min(length, SPECIAL.length));
    return run.rounded(values);
  }

  private static String name(String op, int length, Activation activation, boolean inPlace) {
    return op + " " + activation + " length=" + length + (inPlace ? " in place" : "");
  }

  private static OpCase forward(int length, Activation activation, boolean inPlace) {
    return new OpCase(
        name("activationForward", length, activation, inPlace),
        run -> {
          float[] in = values(run, length);
          Tensor x = run.input(in, 1, length);
          Tensor out = inPlace ? x : run.output(1, length);
          run.ops().activation().forward(out, x, activation);
          double[] exact = ReferenceOps.activationForward(widened(in), activation);
          // x · (1 + tanh) is off by u · |x| where the tanh is near −1.
          double[] magnitudes = Numbers.magnitudes(widened(in));
          run.result("out", out, () -> new Expected(exact, magnitudes, 1));
        });
  }

  private static OpCase backward(int length, Activation activation, boolean inPlace) {
    return new OpCase(
        name("activationBackward", length, activation, inPlace),
        run -> {
          float[] in = values(run, length);
          float[] d = run.normal(length);
          Tensor dOut = run.input(d, 1, length);
          Tensor dIn = inPlace ? dOut : run.output(1, length);
          run.ops().activation().backward(dIn, dOut, run.input(in, 1, length), activation);
          double[] exact = ReferenceOps.activationBackward(widened(d), widened(in), activation);
          double[] magnitudes = new double[length];
          for (int i = 0; i < length; i++) {
            // x / 2 · (1 − tanh²) · inner′ is off by u · |x · inner′|, until the tanh is just 1.
            double steep =
                Math.abs(in[i]) < 10 ? Math.abs(in[i]) * ReferenceOps.geluInnerSlope(in[i]) : 0;
            magnitudes[i] = Math.abs(d[i]) * (1 + steep);
          }
          run.result("dIn", dIn, () -> new Expected(exact, magnitudes, 1));
        });
  }
}
