package dev.culebra.backend;

import static dev.culebra.backend.Numbers.rounded;
import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.stream.Stream;

/** The key-value cache: filling it, and attention of one token at a time. */
final class AttentionDecodeCases {
  private AttentionDecodeCases() {}

  static Stream<OpCase> all() {
    return Stream.concat(
        Stream.of(
            fill(2, 3, 5, 1, 1, 4),
            fill(1, 1, 1, 1, 1, 1),
            fill(3, 17, 17, 3, 3, 11),
            fill(2, 65, 130, 2, 2, 64),
            fill(2, 9, 12, 6, 2, 5),
            fill(1, 5, 8, 4, 1, 32)),
        Stream.of(
            decode(2, 0, 1, 5, 2, 2, 3),
            decode(2, 1, 3, 5, 2, 2, 3),
            decode(1, 0, 1, 1, 1, 1, 1),
            decode(1, 0, 9, 9, 3, 3, 8),
            decode(3, 4, 8, 64, 2, 2, 16),
            decode(2, 30, 40, 40, 2, 2, 40),
            decode(1, 61, 67, 130, 1, 1, 64),
            decode(1, 126, 131, 200, 2, 2, 128),
            decode(2, 3, 9, 12, 6, 2, 5),
            decode(1, 0, 5, 8, 4, 1, 64),
            decode(2, 3, 14, 5, 2, 2, 3),
            decode(1, 0, 20, 8, 4, 1, 64),
            decode(1, 0, 4, 1, 1, 1, 2),
            // The places of several blocks, in one launch and from one to the next; a ring.
            decode(2, 62, 67, 200, 4, 2, 64),
            decode(1, 126, 131, 131, 2, 2, 32),
            decode(2, 200, 203, 300, 2, 1, 80),
            decode(1, 47, 50, 60, 6, 2, 33),
            decode(1, 70, 79, 70, 2, 2, 64)));
  }

  private static OpCase fill(int b, int t, int capacity, int heads, int kvHeads, int d) {
    int c = heads * d;
    int cached = kvHeads * d;
    return new OpCase(
        "cacheKeysValues B=%d T=%d capacity=%d heads=%d kvHeads=%d D=%d"
            .formatted(b, t, capacity, heads, kvHeads, d),
        run -> {
          float[] oldKeys = run.normal(b * capacity * cached);
          float[] oldValues = run.normal(b * capacity * cached);
          float[] qkv = run.normal(b * t * 3 * c);
          Tensor keys = run.input(oldKeys, b, capacity, cached);
          Tensor values = run.input(oldValues, b, capacity, cached);
          run.ops()
              .attentionDecode()
              .cacheKeysValues(keys, values, run.input(qkv, b, t, 3 * c), heads);
          double[] inserted = firstOfGroups(widened(qkv), heads, kvHeads, d, 1);
          run.result("keys", keys, () -> filled(oldKeys, inserted, b, t, capacity));
          double[] insertedValues = firstOfGroups(widened(qkv), heads, kvHeads, d, 2);
          run.result("values", values, () -> filled(oldValues, insertedValues, b, t, capacity));
        });
  }

  /** Third {@code third} of the columns of qkv, only the first head of each group. */
  private static double[] firstOfGroups(double[] qkv, int heads, int kvHeads, int d, int third) {
    int rows = qkv.length / (3 * heads * d);
    double[] kept = new double[rows * kvHeads * d];
    for (int r = 0; r < rows; r++) {
      for (int g = 0; g < kvHeads; g++) {
        int head = third * heads + g * (heads / kvHeads);
        System.arraycopy(qkv, (r * 3 * heads + head) * d, kept, (r * kvHeads + g) * d, d);
      }
    }
    return kept;
  }

  /** {@code old} with {@code rows} (b, t, …) at positions 0 … t − 1. */
  private static Expected filled(float[] old, double[] rows, int b, int t, int capacity) {
    double[] cache = widened(old);
    int width = rows.length / (b * t);
    for (int i = 0; i < b; i++) {
      System.arraycopy(rows, i * t * width, cache, i * capacity * width, t * width);
    }
    return Expected.exactly(cache);
  }

  /**
   * A prompt of {@code prompt} tokens into the caches, then one token at a time up to {@code t}:
   * each must give its row of causal attention over the last {@code capacity} tokens. After that,
   * the caches are NaN.
   */
  private static OpCase decode(
      int b, int prompt, int t, int capacity, int heads, int kvHeads, int d) {
    int c = heads * d;
    return new OpCase(
        "attentionDecode B=%d prompt=%d T=%d capacity=%d heads=%d kvHeads=%d D=%d"
            .formatted(b, prompt, t, capacity, heads, kvHeads, d),
        run -> {
          double[] qkv = shared(widened(run.normal(b * t * 3 * c)), heads, kvHeads, d);
          Tensor keys = run.scratch(b, capacity, kvHeads * d);
          Tensor values = run.scratch(b, capacity, kvHeads * d);
          if (prompt > 0) {
            float[] rows = rounded(times(qkv, b, t, 0, prompt));
            run.ops()
                .attentionDecode()
                .cacheKeysValues(keys, values, run.input(rows, b, prompt, 3 * c), heads);
          }
          for (int position = prompt; position < t; position++) {
            Tensor out = run.output(b, c);
            float[] row = rounded(times(qkv, b, t, position, position + 1));
            run.ops()
                .attentionDecode()
                .forward(
                    out,
                    keys,
                    values,
                    run.input(row, b, 3 * c),
                    run.input(new int[] {position}, 1),
                    heads);
            int from = Math.max(0, position + 1 - capacity);
            int seen = position + 1 - from;
            double[] window = times(qkv, b, t, from, position + 1);
            var attention = new ReferenceAttention(b, seen, heads, d, true, 0, null);
            double[] expected = last(attention.forward(window).out(), b, seen);
            double[] terms = last(attention.forwardMagnitudes(window).out(), b, seen);
            double[] stored = last(attention.storedMagnitudes(window), b, seen);
            run.result(
                "out at " + position, out, () -> new Expected(expected, terms, t + d, stored));
          }
        });
  }

  /** The last row of each sequence. */
  private static double[] last(double[] rows, int b, int t) {
    return times(rows, b, t, t - 1, t);
  }

  /** qkv with equal keys and values within a group of heads. */
  private static double[] shared(double[] qkv, int heads, int kvHeads, int d) {
    int group = heads / kvHeads;
    for (int head = 0; head < qkv.length / d; head++) {
      int within = head % (3 * heads);
      int first = within < heads ? head : head - within % heads % group;
      System.arraycopy(qkv, first * d, qkv, head * d, d);
    }
    return qkv;
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
