package dev.culebra.backend;

import dev.culebra.random.Philox;

/**
 * The draws that a {@link RandomKey} names.
 *
 * @param state the four words of the key's state
 * @param site the key's site
 */
public record ReferenceRandom(int[] state, int site) {
  /** Uniform in [0, 1), of element {@code e}. */
  float uniform(long e) {
    int[] words = new int[4];
    Philox.words(words, (int) (e / 4), site, state[2], state[3], state[0], state[1]);
    return Philox.uniform(words[(int) (e % 4)]);
  }

  /** What dropout with probability {@code p} multiplies element {@code e} with. */
  double dropoutFactor(long e, float p) {
    return uniform(e) < p ? 0 : 1 / (1 - (double) p);
  }
}
