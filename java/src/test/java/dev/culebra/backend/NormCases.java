package dev.culebra.backend;

import static dev.culebra.backend.Numbers.widened;

import dev.culebra.backend.OpRun.Freedom;
import dev.culebra.tensor.Tensor;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The norm of a tensor. */
final class NormCases {
  private static final int[] LENGTHS = {5, 1, 3, 64, 129, 4097};

  /** Blocks of a norm are summed in order: this many numbers are added up in a row. */
  private static final int TERMS_IN_A_ROW = 4096;

  private NormCases() {}

  static Stream<OpCase> all() {
    Stream<OpCase> scaled =
        IntStream.of(LENGTHS)
            .boxed()
            .flatMap(n -> Stream.of(norm(n, 1), norm(n, 1e-15f), norm(n, 1e15f), norm(n, 0)));
    return Stream.concat(scaled, Stream.of(norm(300_001, 1)));
  }

  private static OpCase norm(int n, float scale) {
    return new OpCase(
        "norm N=%d scale=%s".formatted(n, scale),
        run -> {
          float[] values = new float[n];
          for (int i = 0; i < n; i++) {
            values[i] = scale * (run.random().nextFloat() - 0.25f);
          }
          Tensor norm = run.singleOutput(1);
          run.ops().norm().compute(norm, run.free(run.single(values, n), Freedom.SHAPE));
          double exact = ReferenceOps.norm(widened(values));
          run.result(
              "norm",
              norm,
              () -> Expected.of(new double[] {exact}, exact, Math.min(n, TERMS_IN_A_ROW)));
        });
  }
}
