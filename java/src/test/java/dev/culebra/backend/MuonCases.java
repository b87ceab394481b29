package dev.culebra.backend;

import static dev.culebra.backend.Numbers.magnitudes;
import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;

/** The parts of a Muon step. */
final class MuonCases {
  private static final int[] LENGTHS = {7, 1, 64, 129, 4099};
  private static final int[][] MATRICES = {
    {3, 5}, {5, 3}, {4, 4}, {1, 1}, {1, 7}, {8, 24}, {24, 8}, {33, 65}, {130, 20}, {64, 64}
  };

  /**
   * Newton–Schulz steps make small singular values, and with them the rounding errors, up to
   * 3.4445⁵ times larger.
   */
  private static final double GROWTH = 485;

  private MuonCases() {}

  static Stream<OpCase> all() {
    return Stream.of(
            Arrays.stream(LENGTHS)
                .boxed()
                .flatMap(
                    n ->
                        Stream.of(momentum(n, 0.5f, 2f), momentum(n, 0, null), momentum(n, 5, 2f))),
            Arrays.stream(MATRICES)
                .flatMap(
                    m -> Stream.of(orthogonalise(m[0], m[1], 1), orthogonalise(m[0], m[1], 1e-3f))),
            Arrays.stream(MATRICES).map(m -> update(m[0], m[1])))
        .flatMap(cases -> cases);
  }

  private static MuonStep step(float maxNorm) {
    return new MuonStep(3, 3e-3f, 0.95f, 0.1f, maxNorm, 0x123456789L);
  }

  private static OpCase momentum(int n, float maxNorm, Float norm) {
    MuonStep step = step(maxNorm);
    return new OpCase(
        "muonMomentum N=%d maxNorm=%s norm=%s".formatted(n, maxNorm, norm),
        run -> {
          float[] m = run.singleNormal(n);
          float[] g = run.singleNormal(n);
          Tensor momentum = run.single(m, n);
          Tensor direction = run.singleOutput(n);
          run.ops()
              .muonMomentum(
                  direction,
                  momentum,
                  run.single(g, n),
                  norm == null ? null : run.single(new float[] {norm}, 1),
                  step);
          double given = norm == null ? 0 : norm;
          var exact = ReferenceMuon.momentum(widened(m), widened(g), given, step);
          var terms =
              ReferenceMuon.momentum(magnitudes(widened(m)), magnitudes(widened(g)), given, step);
          run.result(
              "momentum", momentum, () -> new Expected(exact.momentum(), terms.momentum(), 2));
          run.result(
              "direction", direction, () -> new Expected(exact.direction(), terms.direction(), 3));
        });
  }

  private static OpCase orthogonalise(int rows, int columns, float scale) {
    return new OpCase(
        "orthogonalise %d x %d scale=%s".formatted(rows, columns, scale),
        run -> {
          float[] x = Numbers.times(run.singleNormal(rows * columns), scale);
          Tensor matrix = run.single(x, rows, columns);
          run.ops().orthogonalise(matrix);
          double[] exact = ReferenceMuon.orthogonalised(widened(x), rows, columns);
          run.result("matrix", matrix, () -> Expected.of(exact, GROWTH, Math.max(rows, columns)));
        });
  }

  private static OpCase update(int rows, int columns) {
    MuonStep step = step(0);
    return new OpCase(
        "muonUpdate %d x %d".formatted(rows, columns),
        run -> {
          int n = rows * columns;
          float[] p = run.singleNormal(n);
          float[] d = run.singleNormal(n);
          Tensor weights = run.dtype() == DType.F32 ? null : run.output(rows, columns);
          Tensor values = run.single(p, rows, columns);
          run.ops().muonUpdate(weights, values, run.single(d, rows, columns), step);
          double[] exact = ReferenceMuon.updated(widened(p), widened(d), rows, columns, step);
          double[] opposite = Arrays.stream(magnitudes(widened(d))).map(x -> -x).toArray();
          double[] terms =
              ReferenceMuon.updated(magnitudes(widened(p)), opposite, rows, columns, step);
          run.result("values", values, () -> new Expected(exact, terms, 2));
          if (weights != null) {
            run.result(
                "weights",
                weights,
                () ->
                    Expected.exactly(
                        ReferenceRandom.roundedByChance(
                            run.read(values), step.step(), step.seed())));
          }
        });
  }
}
