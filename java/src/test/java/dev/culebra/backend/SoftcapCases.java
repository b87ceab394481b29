package dev.culebra.backend;

import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Soft caps of logits, forward and backward. */
final class SoftcapCases {
  private static final int[] LENGTHS = {17, 1, 64, 4099};
  private static final float[] SPECIAL = {0, -0f, 1e-30f, 20, -20, 100, -100, 1e4f, -1e4f};

  private SoftcapCases() {}

  static Stream<OpCase> all() {
    return IntStream.of(LENGTHS)
        .boxed()
        .flatMap(
            length ->
                Stream.of(false, true)
                    .flatMap(
                        inPlace ->
                            Stream.of(
                                forward(length, inPlace ? 30 : 2.5f, inPlace),
                                backward(length, inPlace ? 30 : 2.5f, inPlace))));
  }

  private static float[] values(OpRun run, int length) {
    float[] values = Numbers.times(run.normal(length), 3);
    System.arraycopy(SPECIAL, 0, values, 0, Math.min(length, SPECIAL.length));
    return run.rounded(values);
  }

  private static String name(String op, int length, float cap, boolean inPlace) {
    return "%s length=%d cap=%s%s".formatted(op, length, cap, inPlace ? " in place" : "");
  }

  private static OpCase forward(int length, float cap, boolean inPlace) {
    return new OpCase(
        name("softcapForward", length, cap, inPlace),
        run -> {
          float[] in = values(run, length);
          Tensor x = run.input(in, 1, length);
          Tensor out = inPlace ? x : run.output(1, length);
          run.ops().softcap().forward(out, x, cap);
          double[] exact = ReferenceOps.softcapForward(widened(in), cap);
          run.result("out", out, () -> Expected.of(exact, cap, 1));
        });
  }

  private static OpCase backward(int length, float cap, boolean inPlace) {
    return new OpCase(
        name("softcapBackward", length, cap, inPlace),
        run -> {
          float[] in = values(run, length);
          float[] d = run.normal(length);
          Tensor dOut = run.input(d, 1, length);
          Tensor dIn = inPlace ? dOut : run.output(1, length);
          run.ops().softcap().backward(dIn, dOut, run.input(in, 1, length), cap);
          double[] exact = ReferenceOps.softcapBackward(widened(d), widened(in), cap);
          double[] magnitudes = Numbers.magnitudes(widened(d));
          run.result("dIn", dIn, () -> new Expected(exact, magnitudes, 1));
        });
  }
}
