package dev.culebra.backend;

import static dev.culebra.backend.Numbers.rounded;
import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Cross-attention, forward and backward: all lengths, and padding full of NaN. */
final class CrossAttentionCases {
  /**
   * A call.
   *
   * @param padded whether sequences have different lengths, the last one all keys
   * @param scale of the queries: if it is large, one key has all the weight
   */
  private record Size(int b, int t, int s, int heads, int d, boolean padded, float scale) {
    String name(String op) {
      return "%s B=%d T=%d S=%d heads=%d D=%d%s%s"
          .formatted(
              op,
              b,
              t,
              s,
              heads,
              d,
              padded ? " padded" : "",
              scale == 1 ? "" : " scores times " + scale);
    }

    int c() {
      return heads * d;
    }

    int[] lengths() {
      return IntStream.range(0, b)
          .map(i -> padded && i < b - 1 ? 1 + i * (s - 1) / b : s)
          .toArray();
    }

    float[] queries(OpRun run) {
      float[] queries = run.normal(b * t * c());
      for (int i = 0; i < queries.length; i++) {
        queries[i] *= scale;
      }
      return run.rounded(queries);
    }

    /** Padding must not be read. */
    float[] withPadding(float[] keysValues) {
      float[] padded = keysValues.clone();
      for (int i = 0; i < b; i++) {
        int from = (i * s + lengths()[i]) * 2 * c();
        Arrays.fill(padded, from, (i + 1) * s * 2 * c(), Float.NaN);
      }
      return padded;
    }

    Tensor lengths(OpRun run) {
      return padded ? run.optional(run.input(lengths(), b)) : null;
    }

    ReferenceCrossAttention reference() {
      return new ReferenceCrossAttention(t, s, heads, d, lengths());
    }
  }

  private CrossAttentionCases() {}

  static Stream<OpCase> all() {
    int[][] shapes = {
      {3, 2, 4, 2, 3},
      {1, 1, 1, 1, 1},
      {2, 1, 7, 3, 8},
      {2, 9, 1, 1, 5},
      {4, 5, 33, 2, 16},
      {2, 33, 32, 1, 40},
      {3, 64, 17, 2, 64},
      {2, 31, 70, 3, 8},
      {2, 65, 129, 1, 128},
      {1, 100, 40, 2, 1}
    };
    return Arrays.stream(shapes)
        .flatMap(
            x ->
                Stream.of(
                    new Size(x[0], x[1], x[2], x[3], x[4], true, 1),
                    new Size(x[0], x[1], x[2], x[3], x[4], false, 1),
                    new Size(x[0], x[1], x[2], x[3], x[4], true, 100)))
        .flatMap(size -> Stream.of(forward(size), backward(size)));
  }

  private static OpCase forward(Size z) {
    return new OpCase(
        z.name("crossAttentionForward"),
        run -> {
          float[] q = z.queries(run);
          float[] kv = run.normal(z.b * z.s * 2 * z.c());
          Tensor out = run.output(z.b, z.t, z.c());
          Tensor logSumExp = run.singleOutput(z.b, z.heads, z.t);
          run.ops()
              .crossAttention()
              .forward(
                  out,
                  logSumExp,
                  run.input(q, z.b, z.t, z.c()),
                  run.input(z.withPadding(kv), z.b, z.s, 2 * z.c()),
                  z.lengths(run),
                  z.heads);
          var exact = z.reference().forward(widened(q), widened(kv));
          var magnitudes = z.reference().forwardMagnitudes(widened(q), widened(kv));
          int terms = z.s + z.d;
          run.result("out", out, () -> new Expected(exact.out(), magnitudes.out(), terms));
          run.result(
              "logSumExp",
              logSumExp,
              () -> new Expected(exact.logSumExp(), magnitudes.logSumExp(), terms));
        });
  }

  private static OpCase backward(Size z) {
    return new OpCase(
        z.name("crossAttentionBackward"),
        run -> {
          float[] q = z.queries(run);
          float[] kv = run.normal(z.b * z.s * 2 * z.c());
          float[] d = run.normal(z.b * z.t * z.c());
          var forward = z.reference().forward(widened(q), widened(kv));
          Tensor dQueries = run.output(z.b, z.t, z.c());
          Tensor dKeysValues = run.output(z.b, z.s, 2 * z.c());
          run.ops()
              .crossAttention()
              .backward(
                  dQueries,
                  dKeysValues,
                  run.singleScratch(z.b, z.heads, z.t),
                  run.input(d, z.b, z.t, z.c()),
                  run.input(run.rounded(forward.out()), z.b, z.t, z.c()),
                  run.single(rounded(forward.logSumExp()), z.b, z.heads, z.t),
                  run.input(q, z.b, z.t, z.c()),
                  run.input(z.withPadding(kv), z.b, z.s, 2 * z.c()),
                  z.lengths(run),
                  z.heads);
          var exact = z.reference().backward(widened(d), widened(q), widened(kv));
          var terms = z.reference().backwardMagnitudes(widened(d), widened(q), widened(kv));
          int count = Math.max(z.t, z.s) + z.d;
          // out may have been stored in BF16 before Σ dOut · out
          run.result(
              "dQueries",
              dQueries,
              () -> new Expected(exact.queries(), terms.queries(), count, terms.queries()));
          run.result(
              "dKeysValues",
              dKeysValues,
              () ->
                  new Expected(exact.keysValues(), terms.keysValues(), count, terms.keysValues()));
        });
  }
}
