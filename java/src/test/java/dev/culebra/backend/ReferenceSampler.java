package dev.culebra.backend;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** Sampling of {@link Ops} in double precision. */
final class ReferenceSampler {
  private ReferenceSampler() {}

  /**
   * The probability of each of the {@code vocab} tokens of the row that starts at {@code from},
   * after temperature, top-k and top-p.
   */
  static double[] probabilities(double[] logits, int from, int vocab, SamplingSpec spec) {
    Integer[] ranked = IntStream.range(0, vocab).boxed().toArray(Integer[]::new);
    // The sort is stable: among equal logits the lower index comes first.
    Arrays.sort(ranked, Comparator.comparingDouble(token -> -logits[from + token]));
    double[] result = new double[vocab];
    if (spec.temperature() == 0) {
      result[ranked[0]] = 1;
      return result;
    }
    int eligible = spec.topK() == 0 ? vocab : Math.min(spec.topK(), vocab);
    double[] scaled = new double[eligible];
    for (int rank = 0; rank < eligible; rank++) {
      scaled[rank] = logits[from + ranked[rank]] / spec.temperature();
    }
    double[] byRank = ReferenceOps.softmax(scaled, 0, eligible);
    double sum = 0;
    int nucleus = 0;
    while (nucleus < eligible && (nucleus == 0 || spec.topP() == 1 || sum < spec.topP())) {
      sum += byRank[nucleus++];
    }
    for (int rank = 0; rank < nucleus; rank++) {
      result[ranked[rank]] = byRank[rank] / sum;
    }
    return result;
  }

  /** The first token, by index, at which the running sum of probabilities passes {@code draw}. */
  static int choose(double[] probabilities, float draw) {
    double sum = 0;
    int last = 0;
    for (int token = 0; token < probabilities.length; token++) {
      if (probabilities[token] > 0) {
        sum += probabilities[token];
        last = token;
        if (draw < sum) {
          return token;
        }
      }
    }
    return last;
  }
}
