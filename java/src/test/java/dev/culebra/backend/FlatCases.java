package dev.culebra.backend;

import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Operations that see only a run of numbers: add, fill, norm. */
final class FlatCases {
  private static final int[] LENGTHS = {5, 1, 3, 64, 129, 4097};

  /** Blocks of a norm are summed one after the other: so many numbers are added up in a row. */
  private static final int TERMS_IN_A_ROW = 4096;

  private FlatCases() {}

  static Stream<OpCase> all() {
    return Stream.of(
            IntStream.of(LENGTHS)
                .boxed()
                .flatMap(n -> Arrays.stream(Place.values()).map(place -> add(n, place))),
            IntStream.of(LENGTHS).boxed().flatMap(n -> Stream.of(fill(n, 0), fill(n, -3.25f))),
            IntStream.of(LENGTHS)
                .boxed()
                .flatMap(n -> Stream.of(norm(n, 1), norm(n, 1e-15f), norm(n, 1e15f), norm(n, 0))),
            Stream.of(norm(300_001, 1)))
        .flatMap(cases -> cases);
  }

  /** Where a sum goes. */
  private enum Place {
    APART,
    FIRST,
    SECOND,
    DOUBLED
  }

  private static OpCase add(int n, Place place) {
    return new OpCase(
        "add N=%d out=%s".formatted(n, place),
        run -> {
          float[] left = run.normal(n);
          float[] right = place == Place.DOUBLED ? left : run.normal(n);
          Tensor a = run.input(left, n);
          Tensor b = place == Place.DOUBLED ? a : run.input(right, n);
          Tensor out =
              switch (place) {
                case APART -> run.output(n);
                case FIRST, DOUBLED -> a;
                case SECOND -> b;
              };
          run.ops().add(out, a, b);
          run.result(
              "out", out, () -> Expected.exactly(ReferenceOps.add(widened(left), widened(right))));
        });
  }

  private static OpCase fill(int n, float value) {
    return new OpCase(
        "fill N=%d value=%s".formatted(n, value),
        run -> {
          Tensor out = run.output(n);
          run.ops().fill(out, value);
          double[] values = new double[n];
          Arrays.fill(values, value);
          run.result("out", out, () -> Expected.exactly(values));
        });
  }

  private static OpCase norm(int n, float scale) {
    return new OpCase(
        "norm N=%d scale=%s".formatted(n, scale),
        run -> {
          float[] values = new float[n];
          for (int i = 0; i < n; i++) {
            values[i] = scale * (run.random().nextFloat() - 0.25f);
          }
          Tensor norm = run.output(1);
          run.ops().norm(norm, run.input(values, n));
          double exact = ReferenceOps.norm(widened(values));
          run.result(
              "norm",
              norm,
              () -> Expected.of(new double[] {exact}, exact, Math.min(n, TERMS_IN_A_ROW)));
        });
  }
}
