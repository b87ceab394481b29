package dev.culebra.backend;

import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;

/** Softmax and cross-entropy, with and without the gradient. */
final class CrossEntropyCases {
  private static final int[][] SIZES = {
    {3, 5, 8},
    {1, 1, 1},
    {1, 1, 128},
    {3, 65, 128},
    {5, 7, 7},
    {2, 129, 256},
    {17, 33, 64},
    {130, 3, 4},
    {2, 5003, 5120},
    // Limits between which a GPU keeps a bf16 row in registers.
    {1, 25600, 25600},
    {2, 25601, 25608},
    {1, 51200, 51200},
    {1, 51201, 51208}
  };

  private CrossEntropyCases() {}

  static Stream<OpCase> all() {
    return Stream.concat(
            Arrays.stream(SIZES)
                .flatMap(
                    s ->
                        Stream.of(
                            new Input(s[0], s[1], s[2], Ignored.SOME, 1, 0, 1, false),
                            new Input(s[0], s[1], s[2], Ignored.NONE, 1, 0, 0.25f, false),
                            new Input(s[0], s[1], s[2], Ignored.ALL, 1, 0, 1, false),
                            new Input(s[0], s[1], s[2], Ignored.NONE, 1, 1e4f, 1, false),
                            new Input(s[0], s[1], s[2], Ignored.NONE, 4000, 0, 1, false))),
            Stream.of(new Input(2, 25601, 25608, Ignored.NONE, 1, 0, 1, true)))
        .flatMap(input -> Stream.of(of(input, false), of(input, true)));
  }

  /** The targets that the loss ignores. */
  private enum Ignored {
    NONE,
    SOME,
    ALL
  }

  /** Logits are normal numbers times {@code spread} plus {@code shift}. */
  private record Input(
      int n,
      int vocab,
      int columns,
      Ignored ignored,
      float spread,
      float shift,
      float scale,
      boolean misaligned) {

    /** The padding is NaN: it must not be read. */
    float[] logits(OpRun run) {
      float[] logits = Numbers.times(run.normal(n * columns), spread);
      for (int i = 0; i < logits.length; i++) {
        logits[i] = i % columns < vocab ? logits[i] + shift : Float.NaN;
      }
      return run.rounded(logits);
    }

    int[] targets(OpRun run) {
      int[] targets = Numbers.below(run.random(), n, vocab);
      for (int r = 0; r < n; r++) {
        if (ignored == Ignored.ALL || ignored == Ignored.SOME && r % 3 == 1) {
          targets[r] = CrossEntropyOp.IGNORE;
        }
      }
      return targets;
    }
  }

  private static OpCase of(Input in, boolean backward) {
    String name =
        "%s N=%d V=%d columns=%d ignored=%s spread=%s shift=%s scale=%s%s"
            .formatted(
                backward ? "crossEntropyForwardBackward" : "crossEntropyForward",
                in.n,
                in.vocab,
                in.columns,
                in.ignored,
                in.spread,
                in.shift,
                in.scale,
                in.misaligned ? " misaligned" : "");
    return new OpCase(
        name,
        run -> {
          if (in.misaligned) {
            run.misalign();
          }
          float[] values = in.logits(run);
          int[] targets = in.targets(run);
          Tensor logits = run.input(values, in.n, in.columns);
          Tensor losses = run.singleOutput(in.n);
          float[] start = {0.5f};
          Tensor meanLoss = run.single(start, 1);
          Tensor chosen = run.input(targets, in.n);
          if (backward) {
            run.ops()
                .crossEntropy()
                .forwardBackward(losses, meanLoss, logits, chosen, in.vocab, in.scale);
          } else {
            run.ops().crossEntropy().forward(losses, meanLoss, logits, chosen, in.vocab, in.scale);
          }
          expect(run, in, widened(values), targets, losses, meanLoss, start);
          if (backward) {
            run.result("gradient", logits, () -> gradient(in, widened(values), targets));
          }
        });
  }

  private static void expect(
      OpRun run,
      Input in,
      double[] logits,
      int[] targets,
      Tensor losses,
      Tensor meanLoss,
      float[] start) {
    var exact = ReferenceOps.crossEntropy(logits, targets, in.vocab, in.columns, in.scale);
    double[] magnitudes = new double[in.n];
    int counted = 0;
    for (int r = 0; r < in.n; r++) {
      if (targets[r] != CrossEntropyOp.IGNORE) {
        counted++;
        magnitudes[r] = 1 + 2 * Numbers.largest(row(in, logits, r));
      }
    }
    double mean = in.scale * Arrays.stream(magnitudes).sum() / Math.max(counted, 1);
    run.result("losses", losses, () -> new Expected(exact.losses(), magnitudes, in.vocab));
    run.result(
        "meanLoss",
        meanLoss,
        () ->
            Expected.added(
                start, new double[] {exact.meanLoss()}, new double[] {mean}, in.vocab + in.n));
  }

  private static double[] row(Input in, double[] logits, int row) {
    return Arrays.copyOfRange(logits, row * in.columns, row * in.columns + in.vocab);
  }

  /**
   * A probability exp(logit − largest) / sum has a relative error of u · |logit − largest|; for
   * padding and ignored rows it is exactly 0.
   */
  private static Expected gradient(Input in, double[] logits, int[] targets) {
    var exact = ReferenceOps.crossEntropy(logits, targets, in.vocab, in.columns, in.scale);
    double counted =
        Arrays.stream(targets).filter(target -> target != CrossEntropyOp.IGNORE).count();
    double[] magnitudes = new double[in.n * in.columns];
    for (int r = 0; r < in.n; r++) {
      if (targets[r] == CrossEntropyOp.IGNORE) {
        continue;
      }
      double[] row = row(in, logits, r);
      double[] probabilities = ReferenceOps.softmax(row, 0, in.vocab);
      double largest = Arrays.stream(row).max().orElseThrow();
      for (int j = 0; j < in.vocab; j++) {
        double terms = probabilities[j] * (1 + largest - row[j]) + (j == targets[r] ? 1 : 0);
        // An exponential that underflows to 0 still counts as a term.
        magnitudes[r * in.columns + j] = Math.max(in.scale * terms / counted, Double.MIN_NORMAL);
      }
    }
    return new Expected(exact.gradient(), magnitudes, in.vocab);
  }
}
