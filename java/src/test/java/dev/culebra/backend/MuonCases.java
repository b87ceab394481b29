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

  /** Rows and columns. */
  private static final int[][] MATRICES = {
    {3, 5}, {5, 3}, {4, 4}, {1, 1}, {1, 7}, {8, 24}, {24, 8}, {33, 65}, {130, 20}, {64, 64}
  };

  private static final float MU = 0.95f;
  private static final MuonStep STEP = new MuonStep(3, 3e-3f, 0.1f, 0x123456789L);

  /**
   * Newton–Schulz steps make small singular values, and with them the rounding errors, up to
   * 3.4445⁵ times larger.
   */
  private static final double GROWTH = 485;

  /**
   * The error of an element from rounding X, A, A² and P to BF16 in every step, in roundings of an
   * element of the usual size, 1 / √max(R, C). The growth above would be a useless bound, so this
   * one is measured: over 30 matrices of each shape here, and some of 768 × 2304, the error was 1.2
   * to 1.8 % of the result by Frobenius norm (4.5 % at most, for 4 × 4), up to 40 such roundings in
   * an element, and singular values were the same as in F32.
   */
  private static final double BF16_ROUNDINGS = 64;

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
                    m ->
                        Stream.of(
                            orthogonalise(1, m[0], m[1], 1),
                            orthogonalise(1, m[0], m[1], 1e-3f),
                            orthogonalise(3, m[0], m[1], 1))),
            Arrays.stream(MATRICES).map(m -> update(m[0], m[1])))
        .flatMap(cases -> cases);
  }

  private static OpCase momentum(int n, float maxNorm, Float norm) {
    return new OpCase(
        "muonMomentum N=%d maxNorm=%s norm=%s".formatted(n, maxNorm, norm),
        run -> {
          float[] m = run.singleNormal(n);
          float[] g = run.singleNormal(n);
          Tensor momentum = run.single(m, n);
          Tensor direction = run.output(n);
          run.ops()
              .muon()
              .momentum(
                  direction,
                  momentum,
                  run.single(g, n),
                  norm == null ? null : run.single(new float[] {norm}, 1),
                  MU,
                  maxNorm);
          double given = norm == null ? 0 : norm;
          var exact = ReferenceMuon.momentum(widened(m), widened(g), given, MU, maxNorm);
          var terms =
              ReferenceMuon.momentum(
                  magnitudes(widened(m)), magnitudes(widened(g)), given, MU, maxNorm);
          run.result(
              "momentum", momentum, () -> new Expected(exact.momentum(), terms.momentum(), 2));
          run.result(
              "direction", direction, () -> new Expected(exact.direction(), terms.direction(), 3));
        });
  }

  /** The matrices of a batch have different scales, so that using another one's norm would show. */
  private static OpCase orthogonalise(int count, int rows, int columns, float scale) {
    return new OpCase(
        "orthogonalise %d of %d x %d scale=%s".formatted(count, rows, columns, scale),
        run -> {
          int elements = rows * columns;
          float[] x = run.singleNormal(count * elements);
          for (int i = 0; i < x.length; i++) {
            x[i] *= scale * (1 + i / elements);
          }
          float[] given = run.rounded(x);
          Tensor matrices = run.input(given, count, rows, columns);
          run.free(matrices, OpRun.Freedom.SHAPE);
          run.ops().muon().orthogonalise(matrices);
          int longer = Math.max(rows, columns);
          run.result(
              "matrices",
              matrices,
              () -> {
                double[] exact = new double[given.length];
                for (int at = 0; at < exact.length; at += elements) {
                  double[] one = widened(Arrays.copyOfRange(given, at, at + elements));
                  double[] orthogonal = ReferenceMuon.orthogonalised(one, rows, columns);
                  System.arraycopy(orthogonal, 0, exact, at, elements);
                }
                double[] stored = new double[exact.length];
                Arrays.fill(stored, BF16_ROUNDINGS / Math.sqrt(longer));
                double[] magnitudes = new double[exact.length];
                Arrays.fill(magnitudes, GROWTH);
                return new Expected(exact, magnitudes, longer, stored);
              });
        });
  }

  private static OpCase update(int rows, int columns) {
    return new OpCase(
        "muonUpdate %d x %d".formatted(rows, columns),
        run -> {
          int n = rows * columns;
          float[] p = run.singleNormal(n);
          float[] d = run.normal(n);
          Tensor weights = run.dtype() == DType.F32 ? null : run.output(rows, columns);
          Tensor values = run.single(p, rows, columns);
          run.ops().muon().update(weights, values, run.input(d, rows, columns), STEP);
          double[] exact = ReferenceMuon.updated(widened(p), widened(d), rows, columns, STEP);
          double[] opposite = Arrays.stream(magnitudes(widened(d))).map(x -> -x).toArray();
          double[] terms =
              ReferenceMuon.updated(magnitudes(widened(p)), opposite, rows, columns, STEP);
          run.result("values", values, () -> new Expected(exact, terms, 2));
          if (weights != null) {
            run.result(
                "weights",
                weights,
                () ->
                    Expected.exactly(
                        ReferenceRandom.roundedByChance(
                            run.read(values), STEP.step(), STEP.seed())));
          }
        });
  }
}
