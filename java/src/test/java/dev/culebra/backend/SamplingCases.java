package dev.culebra.backend;

import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.Stream;

/** Sampling of tokens: each must be the one that the reference draws. */
final class SamplingCases {
  private static final int SITE = 9;

  private SamplingCases() {}

  static Stream<OpCase> all() {
    int[][] sizes = {{3, 5, 8}, {1, 1, 1}, {1, 1, 128}, {33, 65, 128}, {9, 7, 7}, {4, 1001, 1024}};
    SamplingSpec[] specs = {
      new SamplingSpec(1, 0, 1),
      new SamplingSpec(0, 0, 1),
      new SamplingSpec(0, 3, 0.5f),
      new SamplingSpec(0.7f, 0, 1),
      new SamplingSpec(1, 1, 1),
      new SamplingSpec(2, 5, 1),
      new SamplingSpec(1, 5000, 1),
      new SamplingSpec(1, 0, 0.9f),
      new SamplingSpec(1, 0, 1e-6f),
      new SamplingSpec(0.8f, 4, 0.55f),
      new SamplingSpec(1e-3f, 0, 0.9f),
      new SamplingSpec(30, 6, 0.9f)
    };
    // More equal logits than a GPU lists.
    SamplingSpec[] ofLargest = {
      new SamplingSpec(1, 4000, 1), new SamplingSpec(1, 0, 0.9f), new SamplingSpec(30, 6, 0.9f)
    };
    return Stream.of(
            Arrays.stream(sizes)
                .flatMap(s -> Arrays.stream(specs).flatMap(spec -> ofKinds(s, spec))),
            Arrays.stream(ofLargest).flatMap(spec -> ofKinds(new int[] {1, 5001, 5008}, spec)),
            Stream.of(advance(3, 0), advance(5, 77), advance(8, -3)))
        .flatMap(cases -> cases);
  }

  /** Draw number {@code draw}, without sign, goes to its place in a history of {@code size}. */
  private static OpCase advance(int size, int draw) {
    return new OpCase(
        "advance H=%d draw=%s".formatted(size, Integer.toUnsignedString(draw)),
        run -> {
          int[] old = Numbers.below(run.random(), size, 1000);
          Tensor history = run.free(run.input(old, size), OpRun.Freedom.SHAPE);
          Tensor token = run.tokens(1);
          Tensor position = run.input(new int[] {41}, 1);
          Tensor state = run.free(run.input(new int[] {5, 6, draw, 7}, 4), OpRun.Freedom.PART);
          run.ops()
              .sampling()
              .advance(
                  history,
                  token,
                  position,
                  new RandomKey(state, SITE),
                  run.input(new int[] {1234}, 1));
          old[Integer.remainderUnsigned(draw, size)] = 1234;
          run.result("history", history, () -> Expected.exactly(old));
          run.result("token", token, () -> Expected.exactly(new int[] {1234}));
          run.result("position", position, () -> Expected.exactly(new int[] {42}));
          run.result("state", state, () -> Expected.exactly(new int[] {5, 6, draw + 1, 7}));
        });
  }

  private static Stream<OpCase> ofKinds(int[] size, SamplingSpec spec) {
    return Arrays.stream(Logits.values())
        .map(logits -> of(size[0], size[1], size[2], spec, logits));
  }

  /** The kinds of logits. */
  private enum Logits {
    NORMAL {
      @Override
      float[] of(OpRun run, int length) {
        return run.rounded(Numbers.times(run.normal(length), 3));
      }
    },
    /** Many equal ones, some extreme. */
    TIED {
      @Override
      float[] of(OpRun run, int length) {
        int[] levels = Numbers.below(run.random(), length, 4);
        float[] logits = new float[length];
        for (int i = 0; i < length; i++) {
          logits[i] = levels[i] == 3 ? -0x1p13f : levels[i];
        }
        return logits;
      }
    },
    EQUAL {
      @Override
      float[] of(OpRun run, int length) {
        return new float[length];
      }
    },
    /** A few near the largest, the others far below it. */
    FAR {
      @Override
      float[] of(OpRun run, int length) {
        float[] logits = Numbers.times(run.normal(length), 3);
        for (int i = 0; i < length; i++) {
          logits[i] -= i % 101 == 3 ? 0 : 60;
        }
        return run.rounded(logits);
      }
    };

    abstract float[] of(OpRun run, int length);
  }

  private static OpCase of(int n, int vocab, int columns, SamplingSpec spec, Logits kind) {
    return new OpCase(
        "sample N=%d V=%d columns=%d temperature=%s top-k=%d top-p=%s %s"
            .formatted(n, vocab, columns, spec.temperature(), spec.topK(), spec.topP(), kind),
        run -> {
          float[] logits = kind.of(run, n * columns);
          for (int i = 0; i < logits.length; i++) {
            logits[i] = i % columns < vocab ? logits[i] : Float.NaN;
          }
          Tensor tokens = run.tokens(n);
          run.ops()
              .sampling()
              .sample(tokens, run.input(logits, n, columns), vocab, spec, run.key(SITE));
          run.result("tokens", tokens, () -> expected(run, logits, n, vocab, columns, spec));
        });
  }

  private static Expected expected(
      OpRun run, float[] logits, int n, int vocab, int columns, SamplingSpec spec) {
    int[] tokens = new int[n];
    for (int r = 0; r < n; r++) {
      double[] probabilities =
          ReferenceSampler.probabilities(widened(logits), r * columns, vocab, spec);
      tokens[r] = ReferenceSampler.choose(probabilities, run.draws(SITE).uniform(r));
    }
    return Expected.exactly(tokens);
  }
}
