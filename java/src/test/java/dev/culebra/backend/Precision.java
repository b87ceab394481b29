package dev.culebra.backend;

/**
 * How far a result may be from the exact one: the only table of tolerances of the operations.
 *
 * <p>Rounding changes each term of a result by at most u (the unit roundoff) times the term's
 * magnitude. A sum of n such terms is off by at most n · u · Σ |terms| in the worst case; rounding
 * errors are as good as random, so √n takes the place of n (Higham and Mary, "A new approach to
 * probabilistic rounding error analysis", 2019). The constants leave room for a handful of
 * roundings before and after the sum and for elementary functions within 2 units in the last place.
 */
enum Precision {
  /** 24 bits of significand. */
  F32(0x1p-24);

  /** What an exponential that underflows may leave behind. */
  private static final double UNDERFLOW = 4 * Float.MIN_NORMAL;

  private final double unitRoundoff;

  Precision(double unitRoundoff) {
    this.unitRoundoff = unitRoundoff;
  }

  /**
   * The largest error allowed in a result.
   *
   * @param magnitude sum of the magnitudes of the result's terms; 0 where it must be exact
   * @param terms number of terms
   */
  double bound(double magnitude, int terms) {
    return magnitude == 0 ? 0 : (4 + 2 * Math.sqrt(terms)) * unitRoundoff * magnitude + UNDERFLOW;
  }
}
