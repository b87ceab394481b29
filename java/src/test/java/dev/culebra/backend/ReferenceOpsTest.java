package dev.culebra.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.random.RandomStream;
import java.util.Arrays;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Tests the reference itself: gradients by central differences, forward passes by identities. */
class ReferenceOpsTest {
  private static final double EPSILON = LayerNormOp.USUAL_EPSILON;

  private static final double STEP = 1e-5;

  private final RandomStream random = new RandomStream(11, 0, 0);

  private double[] normal(int length) {
    return DoubleStream.generate(random::nextNormal).limit(length).toArray();
  }

  /** The gradient of {@code weights} · {@code f(x)} by central differences is {@code expected}. */
  private static void assertGradient(double[] expected, double[] x, double[] weights, Vectorial f) {
    ToDoubleFunction<double[]> scalar =
        at -> {
          double[] y = f.at(at);
          double sum = 0;
          for (int i = 0; i < y.length; i++) {
            sum += weights[i] * y[i];
          }
          return sum;
        };
    assertThat(expected).hasSameSizeAs(x);
    for (int i = 0; i < x.length; i++) {
      double[] up = x.clone();
      double[] down = x.clone();
      up[i] += STEP;
      down[i] -= STEP;
      double slope = (scalar.applyAsDouble(up) - scalar.applyAsDouble(down)) / (2 * STEP);
      // Truncation and cancellation of the difference are both near 1e-10 here.
      assertThat(expected[i]).as("gradient %d", i).isCloseTo(slope, within(1e-7));
    }
  }

  /** A function from vectors to vectors. */
  private interface Vectorial {
    double[] at(double[] x);
  }

  @Test
  void embeddingGradients() {
    int[] tokens = {1, 4, 1, 0, 1, 3};
    double[] table = normal(5 * 2);
    double[] positions = normal(4 * 2);
    double[] dOut = normal(6 * 2);
    assertGradient(
        ReferenceOps.tokenTableGradient(dOut, tokens, 5, 2),
        table,
        dOut,
        x -> ReferenceOps.embeddingForward(tokens, x, positions, 0, 3, 2));
    assertGradient(
        ReferenceOps.positionTableGradient(dOut, 3, 4, 2),
        positions,
        dOut,
        x -> ReferenceOps.embeddingForward(tokens, table, x, 0, 3, 2));
  }

  @Test
  void embeddingLooksUpTokenAndPosition() {
    double[] out =
        ReferenceOps.embeddingForward(
            new int[] {2, 0}, new double[] {1, 2, 3}, new double[] {10, 20, 30, 40}, 2, 2, 1);
    assertThat(out).containsExactly(33, 41);
  }

  @ParameterizedTest
  @CsvSource({"3, 7, true", "1, 1, true", "2, 4, true", "3, 7, false", "1, 1, false"})
  void layerNormGradients(int n, int c, boolean centred) {
    double[] in = normal(n * c);
    double[] weight = normal(c);
    double[] bias = normal(c);
    double[] dOut = normal(n * c);
    var forward = ReferenceOps.layerNormForward(in, weight, bias, n, c, centred, EPSILON);
    var gradients =
        ReferenceOps.layerNormBackward(
            dOut, in, forward.mean(), forward.rstd(), weight, n, c, centred);
    assertGradient(
        gradients.in(),
        in,
        dOut,
        x -> ReferenceOps.layerNormForward(x, weight, bias, n, c, centred, EPSILON).out());
    assertGradient(
        gradients.weight(),
        weight,
        dOut,
        x -> ReferenceOps.layerNormForward(in, x, bias, n, c, centred, EPSILON).out());
    assertGradient(
        gradients.bias(),
        bias,
        dOut,
        x -> ReferenceOps.layerNormForward(in, weight, x, n, c, centred, EPSILON).out());
  }

  @Test
  void rowsOfRmsNormHaveRootMeanSquareOne() {
    int c = 50;
    double[] in = Arrays.stream(normal(c)).map(x -> 300 * x + 700).toArray();
    double[] ones = DoubleStream.generate(() -> 1).limit(c).toArray();
    double[] out = ReferenceOps.layerNormForward(in, ones, null, 1, c, false, EPSILON).out();
    assertThat(Arrays.stream(out).map(x -> x * x).sum() / c).isCloseTo(1, within(1e-9));
    assertThat(out[3] / out[4]).isCloseTo(in[3] / in[4], within(1e-9));
  }

  @ParameterizedTest
  @EnumSource(names = {"SILU", "GELU_ERF"})
  void gatedGradients(Activation activation) {
    double[] in = normal(3 * 8);
    double[] dOut = normal(3 * 4);
    assertGradient(
        ReferenceOps.gatedBackward(dOut, in, 3, 4, activation),
        in,
        dOut,
        x -> ReferenceOps.gatedForward(x, 3, 4, activation));
  }

  @Test
  void softcapGradients() {
    double[] in = normal(9);
    double[] dOut = normal(9);
    assertGradient(
        ReferenceOps.softcapBackward(dOut, in, 1.5),
        in,
        dOut,
        x -> ReferenceOps.softcapForward(x, 1.5));
  }

  @ParameterizedTest
  @CsvSource({"4, 2, true, true", "2, 1, false, true", "3, 3, true, false", "4, 1, false, false"})
  void headsGradients(int heads, int kvHeads, boolean normalised, boolean rotary) {
    HeadsSpec spec = new HeadsSpec(heads, kvHeads, normalised, rotary);
    ReferenceHeads reference = new ReferenceHeads(spec, 3, 6, 0);
    double[] in = normal(2 * 3 * spec.projected() * 6);
    double[] dQkv = normal(2 * 3 * 3 * heads * 6);
    assertGradient(reference.backward(dQkv, in).in(), in, dQkv, reference::forward);
  }

  @Test
  void gradientsOfTheScalesOfHeads() {
    HeadsSpec spec =
        new HeadsSpec(4, 2, true, 1e-2f, new Rotation(500, new RopeScaling(8, 1, 4, 20)));
    double[] in = normal(2 * 3 * spec.projected() * 6);
    double[] dQkv = normal(2 * 3 * 3 * 4 * 6);
    double[] query = normal(6);
    double[] key = normal(6);
    var gradients = new ReferenceHeads(spec, 3, 6, 0, query, key).backward(dQkv, in);
    assertGradient(
        gradients.in(), in, dQkv, x -> new ReferenceHeads(spec, 3, 6, 0, query, key).forward(x));
    assertGradient(
        gradients.queryScale(),
        query,
        dQkv,
        x -> new ReferenceHeads(spec, 3, 6, 0, x, key).forward(in));
    assertGradient(
        gradients.keyScale(),
        key,
        dQkv,
        x -> new ReferenceHeads(spec, 3, 6, 0, query, x).forward(in));
  }

  @Test
  void scoresOfRotatedHeadsDependOnlyOnTheDistance() {
    HeadsSpec spec = new HeadsSpec(1, 1, false, true);
    double[] one = normal(2 * 3 * 8);
    double[] near = new ReferenceHeads(spec, 2, 8, 0).forward(one);
    double[] far = new ReferenceHeads(spec, 2, 8, 777).forward(one);
    assertThat(score(near)).isCloseTo(score(far), within(1e-9));
    assertThat(near[0]).isNotCloseTo(far[0], within(1e-6));
  }

  /** Query of the second token times key of the first, one head of 8. */
  private static double score(double[] qkv) {
    double score = 0;
    for (int i = 0; i < 8; i++) {
      score += qkv[24 + i] * qkv[8 + i];
    }
    return score;
  }

  @Test
  void orthogonalisedRowsAreNearlyOrthonormal() {
    double[] x = normal(4 * 9);
    double[] o = ReferenceMuon.orthogonalised(x, 4, 9);
    double[] gram = ReferenceMuon.product(o, ReferenceMuon.transposed(o, 4, 9), 4, 9, 4);
    for (int i = 0; i < 16; i++) {
      assertThat(gram[i]).isCloseTo(i % 5 == 0 ? 1 : 0, within(0.5));
    }
    double[] tall = ReferenceMuon.orthogonalised(ReferenceMuon.transposed(x, 4, 9), 9, 4);
    double[] back = ReferenceMuon.transposed(tall, 9, 4);
    for (int i = 0; i < back.length; i++) {
      assertThat(back[i]).isCloseTo(o[i], within(1e-9));
    }
  }

  @Test
  void layerNormRowsHaveMeanZeroAndVarianceOne() {
    int c = 50;
    double[] in = Arrays.stream(normal(c)).map(x -> 300 * x + 7).toArray();
    double[] ones = DoubleStream.generate(() -> 1).limit(c).toArray();
    double[] out = ReferenceOps.layerNormForward(in, ones, null, 1, c, true, EPSILON).out();
    assertThat(Arrays.stream(out).average().orElseThrow()).isCloseTo(0, within(1e-12));
    assertThat(Arrays.stream(out).map(x -> x * x).sum() / c).isCloseTo(1, within(1e-9));
  }

  @Test
  void linearGradients() {
    double[] in = normal(3 * 4);
    double[] weight = normal(5 * 4);
    double[] bias = normal(5);
    double[] dOut = normal(3 * 5);
    var gradients = ReferenceOps.linearBackward(dOut, in, weight, 3, 4, 5);
    assertGradient(
        gradients.in(), in, dOut, x -> ReferenceOps.linearForward(x, weight, bias, 3, 4, 5));
    assertGradient(
        gradients.weight(), weight, dOut, x -> ReferenceOps.linearForward(in, x, bias, 3, 4, 5));
    assertGradient(
        gradients.bias(), bias, dOut, x -> ReferenceOps.linearForward(in, weight, x, 3, 4, 5));
  }

  @Test
  void linearByHand() {
    double[] out =
        ReferenceOps.linearForward(
            new double[] {1, 2}, new double[] {3, 4, 5, 6}, new double[] {100, 200}, 1, 2, 2);
    assertThat(out).containsExactly(111, 217);
  }

  @ParameterizedTest
  @EnumSource
  void activationGradients(Activation activation) {
    double[] in = {-6, -3.1, -2.9, -1, -0.2, 0.3, 1, 2.9, 3.1, 6};
    double[] dOut = normal(in.length);
    assertGradient(
        ReferenceOps.activationBackward(dOut, in, activation),
        in,
        dOut,
        x -> ReferenceOps.activationForward(x, activation));
  }

  @Test
  void normalCdfHasItsTabulatedValues() {
    assertThat(ReferenceOps.normalCdf(0)).isEqualTo(0.5);
    assertThat(ReferenceOps.normalCdf(1)).isCloseTo(0.8413447460685429, within(1e-15));
    assertThat(ReferenceOps.normalCdf(-2)).isCloseTo(0.0227501319481792, within(1e-15));
    assertThat(ReferenceOps.normalCdf(-5)).isCloseTo(2.866515718791939e-7, within(1e-20));
    double below = ReferenceOps.normalCdf(Math.nextDown(3.0));
    assertThat(below).isCloseTo(ReferenceOps.normalCdf(3), within(1e-14));
  }

  @ParameterizedTest
  @CsvSource({"1, 5, 2, 3, true, 0", "2, 4, 1, 2, false, 0", "2, 5, 2, 3, true, 0.3"})
  void attentionGradients(int b, int t, int heads, int d, boolean causal, float p) {
    var attention = attention(b, t, heads, d, causal, p);
    double[] qkv = normal(b * t * 3 * heads * d);
    double[] dOut = normal(b * t * heads * d);
    assertGradient(attention.backward(dOut, qkv), qkv, dOut, x -> attention.forward(x).out());
  }

  @ParameterizedTest
  @CsvSource({"5, 3, 2, 3, 2, 3", "2, 4, 1, 2, 4, 1"})
  void crossAttentionGradients(int t, int s, int heads, int d, int length, int otherLength) {
    int[] lengths = {length, otherLength};
    var attention = new ReferenceCrossAttention(t, s, heads, d, lengths);
    double[] queries = normal(2 * t * heads * d);
    double[] keysValues = normal(2 * s * 2 * heads * d);
    double[] dOut = normal(2 * t * heads * d);
    var gradients = attention.backward(dOut, queries, keysValues);
    assertGradient(gradients.queries(), queries, dOut, x -> attention.forward(x, keysValues).out());
    assertGradient(
        gradients.keysValues(), keysValues, dOut, x -> attention.forward(queries, x).out());
  }

  private static ReferenceAttention attention(
      int b, int t, int heads, int d, boolean causal, float p) {
    var draws = new ReferenceRandom(new int[] {1, 2, 3, 4}, 5);
    return new ReferenceAttention(b, t, heads, d, causal, p, draws);
  }

  @Test
  void attentionOfEqualValuesIsThatValue() {
    int t = 6;
    double[] qkv = normal(t * 3);
    for (int i = 0; i < t; i++) {
      qkv[3 * i + 2] = 1.5;
    }
    for (double out : attention(1, t, 1, 1, true, 0).forward(qkv).out()) {
      assertThat(out).isCloseTo(1.5, within(1e-14));
    }
  }

  @Test
  void attentionToAllIgnoresTheOrderOfKeys() {
    int t = 4;
    int width = 3 * 2;
    double[] qkv = normal(t * width);
    double[] swapped = qkv.clone();
    System.arraycopy(qkv, width, swapped, 2 * width, width);
    System.arraycopy(qkv, 2 * width, swapped, width, width);
    double[] out = attention(1, t, 1, 2, false, 0).forward(qkv).out();
    double[] outOfSwapped = attention(1, t, 1, 2, false, 0).forward(swapped).out();
    assertThat(outOfSwapped)
        .containsExactly(
            new double[] {out[0], out[1], out[4], out[5], out[2], out[3], out[6], out[7]},
            within(1e-14));
  }

  @Test
  void softmaxSumsToOneAndIgnoresAShift() {
    double[] logits = normal(9);
    double[] probabilities = ReferenceOps.softmax(logits, 0, 9);
    assertThat(Arrays.stream(probabilities).sum()).isCloseTo(1, within(1e-14));
    double[] shifted = Arrays.stream(logits).map(x -> x + 1e4).toArray();
    assertThat(ReferenceOps.softmax(shifted, 0, 9)).containsExactly(probabilities, within(1e-11));
  }

  @Test
  void crossEntropyGradient() {
    double[] logits = normal(4 * 7);
    int[] targets = {2, CrossEntropyOp.IGNORE, 0, 4};
    var result = ReferenceOps.crossEntropy(logits, targets, 5, 7, 0.25);
    assertGradient(
        result.gradient(),
        logits,
        new double[] {1},
        x -> new double[] {ReferenceOps.crossEntropy(x, targets, 5, 7, 0.25).meanLoss()});
    assertThat(result.losses()[1]).isZero();
    assertThat(result.meanLoss())
        .isCloseTo(0.25 * Arrays.stream(result.losses()).sum() / 3, within(1e-14));
  }

  @Test
  void crossEntropyOfEqualLogitsIsLogOfTheVocabulary() {
    var result = ReferenceOps.crossEntropy(new double[10], new int[] {3, 4}, 5, 5, 1);
    assertThat(result.meanLoss()).isCloseTo(Math.log(5), within(1e-14));
  }

  @Test
  void dropoutKeepsItsShareAndTheMean() {
    double[] ones = DoubleStream.generate(() -> 1).limit(20_000).toArray();
    var draws = new ReferenceRandom(new int[] {1, 2, 3, 4}, 5);
    double[] out = ReferenceOps.dropout(ones, 0.3f, draws);
    assertThat(Arrays.stream(out).filter(x -> x == 0).count()).isBetween(5_800L, 6_200L);
    assertThat(Arrays.stream(out).average().orElseThrow()).isCloseTo(1, within(0.02));
  }

  @Test
  void theFirstStepOfAdamWFollowsTheSignOfTheGradient() {
    var step = new AdamWStep(1, 0.1f, 0.9f, 0.99f, 0, 0.5f, 0, 0);
    var next =
        ReferenceOps.adamW(
            new double[] {1, 2}, new double[] {3, -4}, new double[2], new double[2], 5, 1, step);
    // The first element decays: 1 − 0.1 · (1 + 0.5 · 1).
    assertThat(next.values()).containsExactly(new double[] {0.85, 2.1}, within(1e-8));
  }

  @Test
  void samplingKeepsTheNucleusOfTheTopK() {
    double[] logits = {Math.log(1), Math.log(4), Math.log(3), Math.log(2)};
    assertThat(probabilities(logits, 1, 0, 1)).containsExactly(expected(.1, .4, .3, .2));
    assertThat(probabilities(logits, 1, 2, 1)).containsExactly(expected(0, 4 / 7., 3 / 7., 0));
    assertThat(probabilities(logits, 1, 0, 0.6f)).containsExactly(expected(0, 4 / 7., 3 / 7., 0));
    assertThat(probabilities(logits, 1, 0, 0.01f)).containsExactly(expected(0, 1, 0, 0));
    assertThat(probabilities(logits, 0, 0, 1)).containsExactly(expected(0, 1, 0, 0));
    assertThat(probabilities(new double[4], 1, 0, 0.5f)).containsExactly(expected(.5, .5, 0, 0));
    assertThat(ReferenceSampler.choose(new double[] {.25, 0, .5, .25}, 0.25f)).isEqualTo(2);
  }

  private static double[] probabilities(double[] logits, float temperature, int k, float p) {
    var spec = new SamplingSpec(temperature, k, p);
    double[] exact = ReferenceSampler.probabilities(logits, 0, logits.length, spec);
    return Arrays.stream(exact).map(x -> Math.round(x * 1e12) / 1e12).toArray();
  }

  private static double[] expected(double... values) {
    return Arrays.stream(values).map(x -> Math.round(x * 1e12) / 1e12).toArray();
  }
}
