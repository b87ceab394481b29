package dev.culebra.backend;

import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Elementwise dropout, forward and backward. */
final class DropoutCases {
  private DropoutCases() {}

  static Stream<OpCase> all() {
    return IntStream.of(7, 1, 64, 129, 4099)
        .boxed()
        .flatMap(
            length ->
                Stream.of(0.3f, 0f, 0.5f, 0.999f)
                    .flatMap(
                        p ->
                            Stream.of(false, true)
                                .flatMap(
                                    inPlace ->
                                        Stream.of(
                                            of("dropoutForward", length, p, inPlace),
                                            of("dropoutBackward", length, p, inPlace)))));
  }

  private static OpCase of(String op, int length, float p, boolean inPlace) {
    return new OpCase(
        "%s length=%d p=%s%s".formatted(op, length, p, inPlace ? " in place" : ""),
        run -> {
          int site = length % 5;
          float[] in = run.normal(length);
          Tensor x = run.input(in, 1, length);
          Tensor out = inPlace ? x : run.output(1, length);
          DropoutSpec dropout = p == 0 ? DropoutSpec.NONE : new DropoutSpec(p, run.key(site));
          if (op.equals("dropoutForward")) {
            run.ops().dropout().forward(out, x, dropout);
          } else {
            run.ops().dropout().backward(out, x, dropout);
          }
          double[] exact = ReferenceOps.dropout(widened(in), p, run.draws(site));
          // Magnitude 0 of a dropped element demands an exact 0, of p = 0 an exact copy.
          double[] magnitudes = p == 0 ? new double[length] : Numbers.magnitudes(exact);
          run.result("out", out, () -> new Expected(exact, magnitudes, 1));
        });
  }
}
