package dev.culebra.backend;

import dev.culebra.tensor.DType;

/**
 * How far a result may be from the exact one: the only table of tolerances of the operations.
 *
 * <p>Rounding changes each term of a result by at most u (the unit roundoff) times the term's
 * magnitude. A sum of n such terms has an error of at most n · u · Σ |terms| in the worst case;
 * rounding errors are practically random, so √n replaces n (Higham and Mary, "A new approach to
 * probabilistic rounding error analysis", 2019). The constants allow a few roundings before and
 * after the sum, and elementary functions within 2 units in the last place.
 *
 * <p>This is the error e of F32 arithmetic. A BF16 result has a larger one, where u′ = 2⁻⁸ is the
 * unit roundoff of BF16's 8-bit significand. Intermediate results that the operation stores in BF16
 * change the sum by at most u′ · Σ |stored|, without a root, since each term is rounded separately.
 * Finally the result, with its error d = e + u′ · Σ |stored|, is rounded: u′ · (|exact| + d).
 */
enum Precision {
  /** 24 bits of significand; integers must be exact. */
  F32 {
    @Override
    double bound(Expected expected, int i) {
      double magnitude = expected.magnitudes()[i];
      double factor = (4 + 2 * Math.sqrt(expected.terms())) * 0x1p-24;
      return magnitude == 0 ? 0 : factor * magnitude + UNDERFLOW;
    }
  },
  /** F32 arithmetic, with 8 bits of significand in stored results. */
  BF16 {
    @Override
    double bound(Expected expected, int i) {
      if (expected.magnitudes()[i] == 0) {
        return 0;
      }
      double sum = F32.bound(expected, i) + BF16_ROUNDOFF * expected.stored()[i];
      return sum + BF16_ROUNDOFF * (Math.abs(expected.values()[i]) + sum);
    }
  };

  /** The error of exponentials that underflow, each times numbers of up to 10⁴. */
  private static final double UNDERFLOW = 0x1p-110;

  private static final double BF16_ROUNDOFF = 0x1p-8;

  /** The precision of a result stored in {@code dtype}. */
  static Precision of(DType dtype) {
    return dtype == DType.BF16 ? BF16 : F32;
  }

  /** The largest error allowed in element {@code i}. */
  abstract double bound(Expected expected, int i);
}
