package dev.culebra.backend;

import static dev.culebra.backend.Numbers.widened;

import dev.culebra.backend.OpRun.Freedom;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Simple elementwise operations: add, fill, convert. */
final class ElementwiseCases {
  private static final int[] LENGTHS = {5, 1, 3, 64, 129, 4097};

  /** Numbers halfway between two BF16 numbers, and beyond the largest. */
  private static final float[] HALFWAY = {
    0x1.01p0f, 0x1.03p0f, -0x1.03p0f, 0x1.010002p0f, 0x1.fffffep20f, 0x1.fffffep127f, -0f
  };

  private ElementwiseCases() {}

  static Stream<OpCase> all() {
    return Stream.of(
            IntStream.of(LENGTHS)
                .boxed()
                .flatMap(n -> Arrays.stream(Place.values()).map(place -> add(n, place))),
            IntStream.of(LENGTHS)
                .boxed()
                .flatMap(
                    n -> Stream.of(fill(n, 0, false), fill(n, -3.25f, false), fill(n, 7, true))),
            IntStream.of(LENGTHS).boxed().flatMap(n -> Stream.of(round(n), widen(n))))
        .flatMap(cases -> cases);
  }

  /** The output of a sum. */
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
          run.ops().elementwise().add(out, a, b);
          run.result(
              "out", out, () -> Expected.exactly(ReferenceOps.add(widened(left), widened(right))));
        });
  }

  private static OpCase fill(int n, float value, boolean single) {
    return new OpCase(
        "fill N=%d value=%s%s".formatted(n, value, single ? " single" : ""),
        run -> {
          Tensor out = single ? run.singleOutput(n) : run.output(n);
          run.free(out, Freedom.FLOAT);
          run.free(out, Freedom.SHAPE);
          run.ops().elementwise().fill(out, value);
          double[] values = new double[n];
          Arrays.fill(values, value);
          run.result("out", out, () -> Expected.exactly(values));
        });
  }

  private static OpCase round(int n) {
    return new OpCase(
        "convert N=%d to BF16".formatted(n),
        run -> {
          float[] values = run.singleNormal(n);
          System.arraycopy(HALFWAY, 0, values, 0, Math.min(n, HALFWAY.length));
          Tensor out = run.output(DType.BF16, n);
          run.ops().elementwise().convert(out, run.single(values, n));
          run.result("out", out, () -> Expected.exactly(widened(values)));
        });
  }

  private static OpCase widen(int n) {
    return new OpCase(
        "convert N=%d to F32".formatted(n),
        run -> {
          float[] values = Elements.rounded(DType.BF16, run.singleNormal(n));
          Tensor out = run.singleOutput(n);
          run.ops().elementwise().convert(out, run.input(DType.BF16, values, n));
          run.result("out", out, () -> Expected.exactly(widened(values)));
        });
  }
}
