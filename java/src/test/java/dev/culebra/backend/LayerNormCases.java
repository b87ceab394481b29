package dev.culebra.backend;

import static dev.culebra.backend.LayerNormOp.USUAL_EPSILON;
import static dev.culebra.backend.Numbers.rounded;
import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Layernorm and RMSNorm, alone and with the residual sum, forward and backward. */
final class LayerNormCases {
  private static final int[][] SIZES = {
    {2, 3},
    {1, 1},
    {3, 1},
    {5, 7},
    {4, 17},
    {7, 33},
    {3, 64},
    {6, 128},
    {5, 129},
    {130, 33},
    {67, 48},
    {1, 1000},
    // Limits of a GPU's instances for narrow bf16 rows, and enough rows for several turns.
    {1, 8},
    {3, 256},
    {2, 264},
    {3, 512},
    {90, 768},
    {3, 776},
    {2, 1024},
    {2, 1032},
    {700, 16}
  };

  /** So large that it shows beside the variance. */
  private static final float OTHER_EPSILON = 0.5f;

  private LayerNormCases() {}

  static Stream<OpCase> all() {
    return Stream.concat(
            Arrays.stream(SIZES)
                .flatMap(
                    size ->
                        Stream.of(true, false)
                            .flatMap(
                                centred ->
                                    Stream.of(false, true)
                                        .map(
                                            plain ->
                                                new Kind(
                                                    size[0],
                                                    size[1],
                                                    !plain,
                                                    plain,
                                                    centred,
                                                    false,
                                                    plain ? USUAL_EPSILON : OTHER_EPSILON)))),
            Stream.of(new Kind(5, 64, true, false, true, true, USUAL_EPSILON)))
        .flatMap(
            kind ->
                Stream.of(
                    forward(kind), backward(kind), residualForward(kind), residualBackward(kind)));
  }

  /** A call; RMSNorm if not centred. */
  private record Kind(
      int n,
      int c,
      boolean bias,
      boolean inPlace,
      boolean centred,
      boolean misaligned,
      float epsilon) {
    String name(String op) {
      return "%s N=%d C=%d%s%s%s%s%s"
          .formatted(
              op,
              n,
              c,
              bias ? " bias" : "",
              inPlace ? " in place" : "",
              centred ? "" : " not centred",
              misaligned ? " misaligned" : "",
              epsilon == USUAL_EPSILON ? "" : " epsilon=" + epsilon);
    }

    /** A case, with its choice of in-place tensors. */
    OpCase opCase(String op, Consumer<OpRun> body) {
      return new OpCase(
          name(op),
          run -> {
            if (misaligned) {
              run.misalign();
            }
            body.accept(run);
          });
    }

    /** Whether backward also sums the rows of its gradient. */
    boolean branchBias() {
      return bias == centred;
    }

    /** The tensor of means, if there are any. */
    Tensor meanOutput(OpRun run) {
      return centred ? run.optional(run.singleOutput(n)) : null;
    }
  }

  /** Rows off zero; the last of several is constant and large, so that its variance is 0. */
  private static float[] rows(OpRun run, int n, int c) {
    float[] in = run.normal(n * c);
    for (int i = 0; i < in.length; i++) {
      in[i] = n > 1 && i / c == n - 1 ? 1000 : in[i] * 2 + 3;
    }
    return run.rounded(in);
  }

  private static OpCase forward(Kind kind) {
    int n = kind.n;
    int c = kind.c;
    return kind.opCase(
        "layerNormForward",
        run -> {
          float[] in = rows(run, n, c);
          float[] weight = run.normal(c);
          float[] shift = kind.bias ? run.normal(c) : null;
          Tensor x = run.input(in, n, c);
          Tensor out = kind.inPlace ? x : run.output(n, c);
          Tensor mean = kind.meanOutput(run);
          Tensor rstd = run.singleOutput(n);
          run.ops()
              .layerNorm()
              .forward(
                  out,
                  mean,
                  rstd,
                  x,
                  run.input(weight, c),
                  run.optional(run.inputOrNull(shift, c)),
                  kind.epsilon);
          expectForward(run, out, mean, rstd, in, weight, shift, kind.epsilon);
        });
  }

  private static OpCase residualForward(Kind kind) {
    int n = kind.n;
    int c = kind.c;
    return kind.opCase(
        "residualLayerNormForward",
        run -> {
          float[] stream = rows(run, n, c);
          float[] branch = run.normal(n * c);
          float[] weight = run.normal(c);
          float[] shift = kind.bias ? run.normal(c) : null;
          Tensor before = run.input(stream, n, c);
          Tensor sum = kind.inPlace ? before : run.output(n, c);
          Tensor out = run.output(n, c);
          Tensor mean = kind.meanOutput(run);
          Tensor rstd = run.singleOutput(n);
          run.ops()
              .layerNorm()
              .residualForward(
                  out,
                  sum,
                  mean,
                  rstd,
                  before,
                  run.input(branch, n, c),
                  run.input(weight, c),
                  run.optional(run.inputOrNull(shift, c)),
                  kind.epsilon);
          double[] exact = ReferenceOps.add(widened(stream), widened(branch));
          run.result("sum", sum, () -> Expected.exactly(exact));
          expectForward(run, out, mean, rstd, run.rounded(exact), weight, shift, kind.epsilon);
        });
  }

  private static void expectForward(
      OpRun run,
      Tensor out,
      Tensor mean,
      Tensor rstd,
      float[] in,
      float[] weight,
      float[] shift,
      double epsilon) {
    int c = weight.length;
    int n = in.length / c;
    boolean centred = mean != null;
    var exact =
        ReferenceOps.layerNormForward(
            widened(in), widened(weight), widened(shift), n, c, centred, epsilon);
    double[] outMagnitudes = new double[n * c];
    double[] meanMagnitudes = new double[n];
    double[] rstdMagnitudes = new double[n];
    for (int r = 0; r < n; r++) {
      double largest = largest(in, r, c);
      double scale = exact.rstd()[r];
      meanMagnitudes[r] = largest;
      // An error of the mean shifts all differences equally, so it cancels in the variance.
      rstdMagnitudes[r] = scale;
      for (int i = 0; i < c; i++) {
        double normalised = Math.abs(in[r * c + i] - exact.mean()[r]) * scale;
        outMagnitudes[r * c + i] =
            Math.abs(weight[i]) * (normalised + (centred ? scale * largest : 0))
                + (shift == null ? 0 : Math.abs(shift[i]));
      }
    }
    run.result("out", out, () -> new Expected(exact.out(), outMagnitudes, c));
    if (centred) {
      run.result("mean", mean, () -> new Expected(exact.mean(), meanMagnitudes, c));
    }
    run.result("rstd", rstd, () -> new Expected(exact.rstd(), rstdMagnitudes, c));
  }

  private static double largest(float[] in, int row, int c) {
    return Numbers.largest(widened(Arrays.copyOfRange(in, row * c, (row + 1) * c)));
  }

  private static OpCase backward(Kind kind) {
    int n = kind.n;
    int c = kind.c;
    return kind.opCase(
        "layerNormBackward",
        run -> {
          Backward backward = new Backward(run, kind);
          Tensor dOut = run.input(backward.dOut, n, c);
          Tensor dIn = kind.inPlace ? dOut : run.output(n, c);
          run.ops()
              .layerNorm()
              .backward(
                  dIn,
                  backward.dWeight,
                  backward.dBias,
                  backward.dBranchBias,
                  dOut,
                  run.input(backward.in, n, c),
                  kind.centred ? run.optional(run.single(backward.mean, n)) : null,
                  run.single(backward.rstd, n),
                  run.input(backward.weight, c));
          backward.expect(run, "dIn", dIn, new float[n * c]);
        });
  }

  private static OpCase residualBackward(Kind kind) {
    int n = kind.n;
    int c = kind.c;
    return kind.opCase(
        "residualLayerNormBackward",
        run -> {
          Backward backward = new Backward(run, kind);
          float[] later = run.normal(n * c);
          Tensor dSum = run.input(later, n, c);
          run.ops()
              .layerNorm()
              .residualBackward(
                  dSum,
                  backward.dWeight,
                  backward.dBias,
                  backward.dBranchBias,
                  run.input(backward.dOut, n, c),
                  run.input(backward.in, n, c),
                  kind.centred ? run.optional(run.single(backward.mean, n)) : null,
                  run.single(backward.rstd, n),
                  run.input(backward.weight, c));
          backward.expect(run, "dSum", dSum, later);
        });
  }

  /** Shared by both backward passes. */
  private static final class Backward {
    final float[] in;
    final float[] weight;
    final float[] dOut;
    final float[] mean;
    final float[] rstd;
    final Tensor dWeight;
    final Tensor dBias;
    final Tensor dBranchBias;
    private final float[] startWeight;
    private final float[] startBias;
    private final float[] startBranchBias;
    private final int n;
    private final int c;
    private final boolean centred;

    Backward(OpRun run, Kind kind) {
      n = kind.n;
      c = kind.c;
      centred = kind.centred;
      in = rows(run, n, c);
      weight = run.normal(c);
      dOut = run.normal(n * c);
      var forward =
          ReferenceOps.layerNormForward(
              widened(in), widened(weight), null, n, c, centred, kind.epsilon);
      mean = rounded(forward.mean());
      rstd = rounded(forward.rstd());
      startWeight = run.singleNormal(c);
      startBias = kind.bias ? run.singleNormal(c) : null;
      dWeight = run.single(startWeight, c);
      dBias = run.optional(run.singleOrNull(startBias, c));
      startBranchBias = kind.branchBias() ? run.singleNormal(c) : null;
      dBranchBias = run.optional(run.singleOrNull(startBranchBias, c));
    }

    /** {@code start} is the initial value of the input's gradient, 0 if it is written. */
    void expect(OpRun run, String name, Tensor dIn, float[] start) {
      var exact =
          ReferenceOps.layerNormBackward(
              widened(dOut),
              widened(in),
              widened(mean),
              widened(rstd),
              widened(weight),
              n,
              c,
              centred);
      var terms = magnitudes();
      run.result(name, dIn, () -> Expected.added(start, exact.in(), terms.in(), c));
      run.result(
          "dWeight", dWeight, () -> Expected.added(startWeight, exact.weight(), terms.weight(), n));
      if (dBias != null) {
        run.result("dBias", dBias, () -> Expected.added(startBias, exact.bias(), terms.bias(), n));
      }
      if (dBranchBias != null) {
        run.result("dBranchBias", dBranchBias, () -> sumOfRows(run.read(dIn)));
      }
    }

    /** Computed from the gradient as stored. */
    private Expected sumOfRows(double[] gradient) {
      double[] sums = new double[c];
      double[] magnitudes = new double[c];
      for (int i = 0; i < gradient.length; i++) {
        sums[i % c] += gradient[i];
        magnitudes[i % c] += Math.abs(gradient[i]);
      }
      return Expected.added(startBranchBias, sums, magnitudes, n);
    }

    /** The sums of the backward pass with positive terms; in − mean is exact up to one rounding. */
    private ReferenceOps.LayerNormGradients magnitudes() {
      var terms =
          new ReferenceOps.LayerNormGradients(new double[n * c], new double[c], new double[c]);
      for (int r = 0; r < n; r++) {
        double meanOfD = 0;
        double meanOfDTimesNormalised = 0;
        for (int i = 0; i < c; i++) {
          double d = Math.abs(dOut[r * c + i]);
          meanOfD += centred ? d * Math.abs(weight[i]) / c : 0;
          meanOfDTimesNormalised += d * Math.abs(weight[i]) * normalised(r, i) / c;
          terms.weight()[i] += d * normalised(r, i);
          terms.bias()[i] += d;
        }
        for (int i = 0; i < c; i++) {
          double d = Math.abs(dOut[r * c + i] * weight[i]);
          terms.in()[r * c + i] =
              rstd[r] * (d + meanOfD + normalised(r, i) * meanOfDTimesNormalised);
        }
      }
      return terms;
    }

    private double normalised(int r, int i) {
      return Math.abs((double) in[r * c + i] - mean[r]) * rstd[r];
    }
  }
}
