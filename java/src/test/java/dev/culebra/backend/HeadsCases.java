package dev.culebra.backend;

import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Heads normalised, scaled, rotated and shared, forward and backward. */
final class HeadsCases {
  /** B, T, heads, kvHeads, D, offset. */
  private static final int[][] SIZES = {
    {2, 3, 2, 1, 4, 5},
    {1, 1, 1, 1, 2, 0},
    {2, 5, 3, 3, 6, 0},
    {1, 70, 4, 2, 32, 1000},
    {3, 4, 6, 2, 34, 0},
    {2, 9, 2, 2, 64, 3},
    {1, 6, 4, 1, 128, 0},
    {2, 3, 4, 2, 70, 100_000},
    {1, 3, 2, 1, 150, 3}
  };

  /** The same for scales: a lane with several packs, lanes with none, rows for several turns. */
  private static final int[][] SCALED_SIZES = {
    {2, 3, 2, 1, 4, 5},
    {1, 1, 1, 1, 2, 0},
    {2, 5, 3, 3, 6, 0},
    {2, 90, 4, 2, 32, 1000},
    {3, 4, 6, 2, 34, 0},
    {1, 6, 4, 1, 128, 0},
    {2, 3, 2, 1, 150, 3},
    {1, 9, 2, 2, 24, 0},
    {1, 5, 2, 1, 512, 0}
  };

  private static final int ODD_SIZE = 5;

  /** Llama 3.1's, of a model whose first context was short. */
  private static final Rotation SCALED = new Rotation(500_000, new RopeScaling(8, 1, 4, 64));

  private static final float OTHER_EPSILON = 0.3f;

  private HeadsCases() {}

  static Stream<OpCase> all() {
    Stream<OpCase> even =
        Arrays.stream(SIZES)
            .flatMap(
                s ->
                    IntStream.range(0, 4)
                        .boxed()
                        .flatMap(kind -> cases(s, (kind & 1) == 0, (kind & 2) == 0)));
    Stream<OpCase> scaled =
        Arrays.stream(SCALED_SIZES)
            .flatMap(s -> cases(s, new HeadsSpec(s[2], s[3], true, OTHER_EPSILON, SCALED), true));
    Stream<OpCase> odd =
        Stream.of(true, false)
            .flatMap(
                withScales ->
                    cases(
                        new int[] {2, 3, 4, 2, ODD_SIZE, 0},
                        new HeadsSpec(4, 2, true, false),
                        withScales));
    HeadsSpec turned = new HeadsSpec(2, 2, false, OTHER_EPSILON, SCALED);
    return Stream.of(scaled, even, odd, cases(new int[] {1, 40, 2, 2, 16, 7}, turned, false))
        .flatMap(cases -> cases);
  }

  private static Stream<OpCase> cases(int[] s, boolean normalised, boolean rotary) {
    return cases(s, new HeadsSpec(s[2], s[3], normalised, rotary), false);
  }

  private static Stream<OpCase> cases(int[] s, HeadsSpec spec, boolean scaled) {
    return Stream.of(
        forward(s[0], s[1], s[4], s[5], spec, scaled), backward(s[0], s[1], s[4], spec, scaled));
  }

  private static String name(
      String op, int b, int t, int d, int offset, HeadsSpec spec, boolean scaled) {
    return "%s B=%d T=%d D=%d offset=%d%s %s"
        .formatted(op, b, t, d, offset, scaled ? " scaled" : "", spec);
  }

  private static OpCase forward(int b, int t, int d, int offset, HeadsSpec spec, boolean scaled) {
    return new OpCase(
        name("headsForward", b, t, d, offset, spec, scaled),
        run -> {
          float[] in = run.normal(b * t * spec.projected() * d);
          float[] query = scaled ? run.normal(d) : null;
          float[] key = scaled ? run.normal(d) : null;
          Tensor qkv = run.output(b, t, 3 * spec.heads() * d);
          Tensor place = offset == 0 ? null : run.optional(run.input(new int[] {offset}, 1));
          run.ops()
              .heads()
              .forward(
                  qkv,
                  run.input(in, b, t, spec.projected() * d),
                  run.inputOrNull(query, d),
                  run.inputOrNull(key, d),
                  place,
                  spec);
          var heads = new ReferenceHeads(spec, t, d, offset, widened(query), widened(key));
          double[] exact = heads.forward(widened(in));
          run.result("qkv", qkv, () -> expected(exact, heads));
        });
  }

  private static OpCase backward(int b, int t, int d, HeadsSpec spec, boolean scaled) {
    return new OpCase(
        name("headsBackward", b, t, d, 0, spec, scaled),
        run -> {
          float[] in = run.normal(b * t * spec.projected() * d);
          float[] gradient = run.normal(b * t * 3 * spec.heads() * d);
          float[] query = scaled ? run.normal(d) : null;
          float[] key = scaled ? run.normal(d) : null;
          float[] startQuery = scaled ? run.singleNormal(d) : null;
          float[] startKey = scaled ? run.singleNormal(d) : null;
          Tensor dIn = run.output(b, t, spec.projected() * d);
          Tensor dQueryScale = run.singleOrNull(startQuery, d);
          Tensor dKeyScale = run.singleOrNull(startKey, d);
          run.ops()
              .heads()
              .backward(
                  dIn,
                  dQueryScale,
                  dKeyScale,
                  run.input(gradient, b, t, 3 * spec.heads() * d),
                  run.input(in, b, t, spec.projected() * d),
                  run.inputOrNull(query, d),
                  run.inputOrNull(key, d),
                  spec);
          var heads = new ReferenceHeads(spec, t, d, 0, widened(query), widened(key));
          var exact = heads.backward(widened(gradient), widened(in));
          run.result("dIn", dIn, () -> expected(exact.in(), heads));
          if (scaled) {
            // Terms are products of a gradient and a query or key, normal numbers both.
            double perTerm = 4;
            int queries = b * t * spec.heads();
            double[] magnitudes = new double[d];
            Arrays.fill(magnitudes, perTerm * queries);
            run.result(
                "dQueryScale",
                dQueryScale,
                () -> Expected.added(startQuery, exact.queryScale(), magnitudes, queries));
            run.result(
                "dKeyScale",
                dKeyScale,
                () -> Expected.added(startKey, exact.keyScale(), magnitudes, queries));
          }
        });
  }

  /**
   * Elements are sums of products of a head's elements, 3 at most, with numbers around 1; the
   * largest element is used as their magnitude. A sine is exact to a float at any position. Copies
   * are exact.
   */
  private static Expected expected(double[] exact, ReferenceHeads heads) {
    if (heads.spec().isPlain()) {
      return Expected.exactly(exact);
    }
    double magnitude = 2 * Numbers.largest(exact);
    int terms = heads.d() + heads.spec().groupSize();
    return Expected.of(exact, magnitude, terms);
  }
}
