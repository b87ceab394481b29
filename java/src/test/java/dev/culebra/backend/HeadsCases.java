package dev.culebra.backend;

import static dev.culebra.backend.Numbers.widened;

import dev.culebra.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Heads normalised, rotated and shared, forward and backward. */
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

  private static final int ODD_SIZE = 5;

  private HeadsCases() {}

  static Stream<OpCase> all() {
    Stream<OpCase> even =
        Arrays.stream(SIZES)
            .flatMap(
                s ->
                    IntStream.range(0, 4)
                        .boxed()
                        .flatMap(kind -> cases(s, (kind & 1) == 0, (kind & 2) == 0)));
    return Stream.concat(even, cases(new int[] {2, 3, 4, 2, ODD_SIZE, 0}, true, false));
  }

  private static Stream<OpCase> cases(int[] s, boolean normalised, boolean rotary) {
    HeadsSpec spec = new HeadsSpec(s[2], s[3], normalised, rotary);
    return Stream.of(
        forward(s[0], new ReferenceHeads(spec, s[1], s[4], s[5])),
        backward(s[0], new ReferenceHeads(spec, s[1], s[4], 0)));
  }

  private static String name(String op, int b, ReferenceHeads heads) {
    return "%s B=%d %s".formatted(op, b, heads);
  }

  private static OpCase forward(int b, ReferenceHeads heads) {
    HeadsSpec spec = heads.spec();
    int t = heads.t();
    int d = heads.d();
    return new OpCase(
        name("headsForward", b, heads),
        run -> {
          float[] in = run.normal(b * t * spec.projected() * d);
          Tensor qkv = run.output(b, t, 3 * spec.heads() * d);
          Tensor offset =
              heads.offset() == 0 ? null : run.optional(run.input(new int[] {heads.offset()}, 1));
          run.ops().heads().forward(qkv, run.input(in, b, t, spec.projected() * d), offset, spec);
          double[] exact = heads.forward(widened(in));
          run.result("qkv", qkv, () -> expected(exact, heads));
        });
  }

  private static OpCase backward(int b, ReferenceHeads heads) {
    HeadsSpec spec = heads.spec();
    int t = heads.t();
    int d = heads.d();
    return new OpCase(
        name("headsBackward", b, heads),
        run -> {
          float[] in = run.normal(b * t * spec.projected() * d);
          float[] gradient = run.normal(b * t * 3 * spec.heads() * d);
          Tensor dIn = run.output(b, t, spec.projected() * d);
          run.ops()
              .heads()
              .backward(
                  dIn,
                  run.input(gradient, b, t, 3 * spec.heads() * d),
                  run.input(in, b, t, spec.projected() * d),
                  spec);
          double[] exact = heads.backward(widened(gradient), widened(in));
          run.result("dIn", dIn, () -> expected(exact, heads));
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
