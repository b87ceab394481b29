package dev.culebra.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.Tensor;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Properties of sampling that a single case cannot show. */
interface SamplingContract {
  /** Rows per test: fewer if a row is slow. */
  default int draws() {
    return 20_000;
  }

  Backend backend();

  Buffer memory();

  @Test
  default void tokensAreAsFrequentAsTheirProbabilities() {
    float[] logits = {0.5f, -1, 2, 0, 1.5f, -2};
    SamplingSpec spec = new SamplingSpec(1.3f, 0, 1);
    double[] probabilities =
        ReferenceSampler.probabilities(Numbers.widened(logits), 0, logits.length, spec);
    int[] counts = counts(logits, spec, 3);
    double chiSquare = 0;
    for (int token = 0; token < logits.length; token++) {
      double expected = draws() * probabilities[token];
      chiSquare += Math.pow(counts[token] - expected, 2) / expected;
    }
    // 5 degrees of freedom: above 20.5 for one in a thousand keys, and this key is fixed.
    assertThat(chiSquare).isLessThan(20.5);
  }

  @Test
  default void onlyEligibleTokensAreDrawn() {
    float[] logits = {0.5f, -1, 2, 0, 1.5f, -2};
    assertThat(eligible(counts(logits, new SamplingSpec(1, 3, 1), 3))).containsExactly(0, 2, 4);
    // Softmax: .12 .03 .54 .07 .33 .01 before rounding; 0.54 alone does not reach 0.6.
    assertThat(eligible(counts(logits, new SamplingSpec(1, 0, 0.6f), 3))).containsExactly(2, 4);
    assertThat(eligible(counts(new float[6], new SamplingSpec(1, 4, 0.5f), 3)))
        .containsExactly(0, 1);
  }

  @Test
  default void anotherSiteDrawsOtherTokens() {
    float[] logits = new float[6];
    SamplingSpec spec = new SamplingSpec(1, 0, 1);
    assertThat(counts(logits, spec, 3)).isNotEqualTo(counts(logits, spec, 4));
  }

  private static int[] eligible(int[] counts) {
    return IntStream.range(0, counts.length).filter(token -> counts[token] > 0).toArray();
  }

  /** The count of each token in {@link #draws} rows of the same logits. */
  private int[] counts(float[] logits, SamplingSpec spec, int site) {
    int vocab = logits.length;
    OpCase each =
        new OpCase(
            "sample often",
            run -> {
              float[] rows = new float[draws() * vocab];
              for (int i = 0; i < rows.length; i++) {
                rows[i] = logits[i % vocab];
              }
              Tensor tokens = run.tokens(draws());
              run.ops()
                  .sampling()
                  .sample(tokens, run.input(rows, draws(), vocab), vocab, spec, run.key(site));
              run.result("tokens", tokens, () -> null);
            });
    int[] counts = new int[vocab];
    for (int token : OpRun.of(each, backend(), memory()).bits().get("tokens")) {
      counts[token]++;
    }
    return counts;
  }
}
