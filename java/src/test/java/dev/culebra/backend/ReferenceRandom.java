package dev.culebra.backend;

import dev.culebra.random.Philox;

/**
 * The draws of a {@link RandomKey}.
 *
 * @param state the four words of the key's state
 * @param site the key's site
 */
public record ReferenceRandom(int[] state, int site) {
  private static final int ROUNDING = 0x41444D57;

  /** Uniform in [0, 1), of element {@code e}. */
  float uniform(long e) {
    int[] words = new int[4];
    Philox.words(words, (int) (e / 4), site, state[2], state[3], state[0], state[1]);
    return Philox.uniform(words[(int) (e % 4)]);
  }

  /** The weights that step {@code step} of an optimizer rounds from its F32 values. */
  static double[] roundedByChance(double[] values, int step, long seed) {
    double[] rounded = new double[values.length];
    int[] words = new int[4];
    int seedHigh = (int) (seed >>> 32);
    for (int e = 0; e < values.length; e++) {
      Philox.words(words, e / 4, ROUNDING, step, 0, (int) seed, seedHigh);
      int bits = Float.floatToRawIntBits((float) values[e]) + (words[e % 4] & 0xFFFF);
      boolean finite = Double.isFinite(values[e]);
      rounded[e] = finite ? Float.intBitsToFloat(bits & 0xFFFF0000) : values[e];
    }
    return rounded;
  }

  /** The factor of element {@code e} under dropout with probability {@code p}. */
  double dropoutFactor(long e, float p) {
    return uniform(e) < p ? 0 : 1 / (1 - (double) p);
  }
}
