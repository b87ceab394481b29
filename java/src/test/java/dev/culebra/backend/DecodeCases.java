package dev.culebra.backend;

import static dev.culebra.backend.Numbers.rounded;
import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.stream.Stream;

/** The key-value cache: filling it, and attention of one token at a time. */
final class DecodeCases {
  private DecodeCases() {}

  static Stream<OpCase> all() {
    return Stream.concat(
        Stream.of(fill(2, 3, 5, 4), fill(1, 1, 1, 1), fill(3, 17, 17, 33), fill(2, 65, 130, 128)),
        Stream.of(
            decode(2, 1, 3, 5, 2, 3),
            decode(1, 0, 1, 1, 1, 1),
            decode(1, 0, 9, 9, 3, 8),
            decode(3, 4, 8, 64, 2, 16),
            decode(2, 30, 40, 40, 2, 40),
            decode(1, 61, 67, 130, 1, 64),
            decode(1, 126, 131, 200, 2, 128)));
  }

  private static OpCase fill(int b, int t, int capacity, int c) {
    return new OpCase(
        "cacheKeysValues B=%d T=%d capacity=%d C=%d".formatted(b, t, capacity, c),
        run -> {
          float[] oldKeys = run.normal(b * capacity * c);
          float[] oldValues = run.normal(b * capacity * c);
          float[] qkv = run.normal(b * t * 3 * c);
          Tensor keys = run.input(oldKeys, b, capacity, c);
          Tensor values = run.input(oldValues, b, capacity, c);
          run.ops().cacheKeysValues(keys, values, run.input(qkv, b, t, 3 * c));
          run.result("keys", keys, () -> filled(oldKeys, qkv, b, t, capacity, c, 1));
          run.result("values", values, () -> filled(oldValues, qkv, b, t, capacity, c, 2));
        });
  }

  /** {@code old} with third {@code third} of the columns of qkv at positions 0 … t − 1. */
  private static Expected filled(
      float[] old, float[] qkv, int b, int t, int capacity, int c, int third) {
    double[] cache = widened(old);
    for (int i = 0; i < b; i++) {
      for (int position = 0; position < t; position++) {
        for (int x = 0; x < c; x++) {
          cache[(i * capacity + position) * c + x] =
              qkv[(i * t + position) * 3 * c + third * c + x];
        }
      }
    }
    return Expected.exactly(cache);
  }

  /**
   * A prompt of {@code prompt} tokens into the caches, then one token at a time up to {@code t}:
   * each gives its row of causal attention over all t. Behind, the caches hold NaN.
   */
  private static OpCase decode(int b, int prompt, int t, int capacity, int heads, int d) {
    int c = heads * d;
    return new OpCase(
        "attentionDecode B=%d prompt=%d T=%d capacity=%d heads=%d D=%d"
            .formatted(b, prompt, t, capacity, heads, d),
        run -> {
          float[] qkv = run.normal(b * t * 3 * c);
          Tensor keys = run.scratch(b, capacity, c);
          Tensor values = run.scratch(b, capacity, c);
          if (prompt > 0) {
            float[] rows = rounded(times(widened(qkv), b, t, 0, prompt));
            run.ops().cacheKeysValues(keys, values, run.input(rows, b, prompt, 3 * c));
          }
          var attention = new ReferenceAttention(b, t, heads, d, true, 0, null);
          double[] exact = attention.forward(widened(qkv)).out();
          double[] magnitudes = attention.forwardMagnitudes(widened(qkv)).out();
          double[] storedOfAll = attention.storedMagnitudes(widened(qkv));
          for (int position = prompt; position < t; position++) {
            Tensor out = run.output(b, c);
            float[] row = rounded(times(widened(qkv), b, t, position, position + 1));
            run.ops()
                .attentionDecode(
                    out,
                    keys,
                    values,
                    run.input(row, b, 3 * c),
                    run.input(new int[] {position}, 1),
                    heads);
            double[] expected = times(exact, b, t, position, position + 1);
            double[] terms = times(magnitudes, b, t, position, position + 1);
            double[] stored = times(storedOfAll, b, t, position, position + 1);
            run.result(
                "out at " + position, out, () -> new Expected(expected, terms, t + d, stored));
          }
        });
  }

  /** Times {@code from} … {@code to} − 1 of each sequence of (b, t, …). */
  private static double[] times(double[] rows, int b, int t, int from, int to) {
    int width = rows.length / (b * t);
    double[] part = new double[b * (to - from) * width];
    for (int i = 0; i < b; i++) {
      System.arraycopy(
          rows, (i * t + from) * width, part, i * (to - from) * width, (to - from) * width);
    }
    return part;
  }
}
