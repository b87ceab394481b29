package dev.culebra.backend;

import static dev.culebra.backend.Numbers.rounded;
import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;

/** Attention over whole sequences, forward and backward. */
final class AttentionCases {
  private static final float DROPOUT = 0.3f;
  private static final int SITE = 6;

  /**
   * Sizes of an attention.
   *
   * @param scale factor of queries and keys
   * @param late additional factor of the keys of the second half: if it is large, a softmax
   *     relative to the first keys of a row overflows
   */
  private record Size(
      int b, int t, int heads, int d, boolean causal, float p, float scale, float late) {
    Size(int b, int t, int heads, int d, boolean causal, float p, float scale) {
      this(b, t, heads, d, causal, p, scale, 1);
    }

    String name(String op) {
      return "%s B=%d T=%d heads=%d D=%d%s%s%s%s"
          .formatted(
              op,
              b,
              t,
              heads,
              d,
              causal ? " causal" : " full",
              p == 0 ? "" : " dropout " + p,
              scale == 1 ? "" : " scores times " + scale * scale,
              late == 1 ? "" : " late scores times " + late);
    }

    int c() {
      return heads * d;
    }

    float[] qkv(OpRun run) {
      float[] qkv = run.normal(b * t * 3 * c());
      for (int i = 0; i < qkv.length; i++) {
        int column = i % (3 * c());
        boolean lateKey = i / (3 * c()) % t >= t / 2 && column >= c();
        qkv[i] *= column < 2 * c() ? scale * (lateKey ? late : 1) : 1;
      }
      return run.rounded(qkv);
    }

    AttentionSpec spec(OpRun run) {
      return new AttentionSpec(
          heads, causal, p == 0 ? DropoutSpec.NONE : new DropoutSpec(p, run.key(SITE)));
    }

    ReferenceAttention reference(OpRun run) {
      return new ReferenceAttention(b, t, heads, d, causal, p, run.draws(SITE));
    }
  }

  private AttentionCases() {}

  static Stream<OpCase> all() {
    int[][] shapes = {
      {2, 3, 2, 3},
      {1, 1, 1, 1},
      {2, 1, 3, 8},
      {1, 5, 1, 3},
      {2, 17, 2, 16},
      {1, 33, 3, 8},
      {1, 64, 1, 32},
      {2, 65, 2, 40},
      {1, 100, 2, 1},
      {1, 129, 1, 64},
      {1, 130, 2, 128},
      {3, 31, 4, 16},
      {2, 68, 2, 40},
      {2, 132, 1, 24},
      {1, 132, 2, 128},
      {1, 260, 2, 64},
      {5, 20, 7, 8}
    };
    Stream<Size> ordinary =
        Arrays.stream(shapes)
            .flatMap(
                s ->
                    Stream.of(
                        new Size(s[0], s[1], s[2], s[3], true, 0, 1),
                        new Size(s[0], s[1], s[2], s[3], false, 0, 1),
                        new Size(s[0], s[1], s[2], s[3], true, DROPOUT, 1),
                        new Size(s[0], s[1], s[2], s[3], false, DROPOUT, 1)));
    Stream<Size> extreme =
        Stream.of(
            new Size(1, 70, 2, 16, true, 0, 50),
            new Size(1, 70, 2, 16, false, 0, 50),
            new Size(1, 40, 1, 8, true, 0, 0.001f),
            new Size(1, 150, 2, 64, true, 0, 1, 25),
            new Size(1, 150, 2, 64, false, 0, 1, 25),
            new Size(1, 140, 1, 32, true, 0, 1, 1000),
            new Size(1, 140, 1, 128, false, 0, 1, 1000),
            new Size(1, 152, 1, 64, true, DROPOUT, 1, 1000),
            new Size(1, 152, 1, 64, false, DROPOUT, 1, 25));
    return Stream.of(ordinary, extreme, largeHeads())
        .flatMap(sizes -> sizes)
        .flatMap(s -> Stream.of(forward(s), backward(s)));
  }

  /**
   * Heads of 64 and 128 columns, which have their own kernels: around the edges of their tiles of
   * 64 and 128 rows and of their blocks of 128 and 192, with fewer and more heads than
   * multiprocessors, and with scores so far apart that a row's first tile does not predict its
   * maximum.
   */
  private static Stream<Size> largeHeads() {
    int[][] shapes = {
      {1, 1, 1, 64},
      {2, 3, 3, 64},
      {1, 63, 2, 64},
      {1, 65, 1, 64},
      {3, 128, 3, 64},
      {1, 191, 2, 64},
      {1, 257, 1, 64},
      {2, 200, 4, 64},
      {2, 2, 1, 128},
      {1, 64, 5, 128},
      {1, 193, 2, 128},
      {1, 400, 1, 128}
    };
    return Arrays.stream(shapes)
        .flatMap(
            s ->
                Stream.of(1f, 2.5f, 50f)
                    .flatMap(
                        scale ->
                            Stream.of(true, false)
                                .filter(causal -> scale == 1 || s[1] > 128)
                                .map(c -> new Size(s[0], s[1], s[2], s[3], c, 0, scale))));
  }

  private static OpCase forward(Size s) {
    return new OpCase(
        s.name("attentionForward"),
        run -> {
          float[] qkv = s.qkv(run);
          Tensor out = run.output(s.b, s.t, s.c());
          Tensor logSumExp = run.singleOutput(s.b, s.heads, s.t);
          run.ops()
              .attention()
              .forward(out, logSumExp, run.input(qkv, s.b, s.t, 3 * s.c()), s.spec(run));
          ReferenceAttention reference = s.reference(run);
          var exact = new Lazy<>(() -> reference.forward(widened(qkv)));
          var magnitudes = new Lazy<>(() -> reference.forwardMagnitudes(widened(qkv)));
          int terms = s.t + s.d;
          run.result(
              "out",
              out,
              () ->
                  new Expected(
                      exact.get().out(),
                      magnitudes.get().out(),
                      terms,
                      reference.storedMagnitudes(widened(qkv))));
          run.result(
              "logSumExp",
              logSumExp,
              () -> new Expected(exact.get().logSumExp(), magnitudes.get().logSumExp(), terms));
        });
  }

  private static OpCase backward(Size s) {
    return new OpCase(
        s.name("attentionBackward"),
        run -> {
          float[] qkv = s.qkv(run);
          float[] d = run.normal(s.b * s.t * s.c());
          var forward = s.reference(run).forward(widened(qkv));
          Tensor dQkv = run.output(s.b, s.t, 3 * s.c());
          run.ops()
              .attention()
              .backward(
                  dQkv,
                  run.singleScratch(s.b, s.heads, s.t),
                  run.input(d, s.b, s.t, s.c()),
                  run.input(run.rounded(forward.out()), s.b, s.t, s.c()),
                  run.single(rounded(forward.logSumExp()), s.b, s.heads, s.t),
                  run.input(qkv, s.b, s.t, 3 * s.c()),
                  s.spec(run));
          run.result(
              "dQkv",
              dQkv,
              () ->
                  new Expected(
                      s.reference(run).backward(widened(d), widened(qkv)),
                      s.reference(run).backwardMagnitudes(widened(d), widened(qkv)),
                      s.t + s.d,
                      s.reference(run).storedBackwardMagnitudes(widened(d), widened(qkv))));
        });
  }
}
