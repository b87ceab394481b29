package dev.culebra.backend.cpu;

/**
 * The functions used by the GELUs for one number, and the constants shared with {@link VectorMath}.
 * Absolute errors of {@link #normalCdf} stay below 1.2e-7; those of the others are one or two
 * roundings. Stateless and thread-safe.
 */
final class ScalarMath {
  /** √(2/π). */
  static final float GELU_SCALE = 0.7978845608f;

  /** Coefficient of the cubic term in the GELU's tanh. */
  static final float GELU_CUBIC = 0.044715f;

  /** 1/√(2π), the normal density at 0. */
  static final float DENSITY_AT_ZERO = 0.3989422804f;

  /**
   * Φ(−x) = t · P(t) · exp(−x²/2) for x ≥ 0, with t = 1 / (1 + CDF_T · x) and P of degree 8: our
   * own fit to the scaled complementary error function with a relative error below 2e-8 (2e-7
   * evaluated in single precision) for x up to 14, where Φ(−x) is below the smallest float. The
   * form is that of Hastings, "Approximations for digital computers" (1955).
   */
  static final float CDF_T = 0.3f * 0.7071067812f;

  static final float CDF_0 = 0.1691880077123642f / 2;
  static final float CDF_1 = 0.17071521282196045f / 2;
  static final float CDF_2 = 0.14833924174308777f / 2;
  static final float CDF_3 = 0.21492576599121094f / 2;
  static final float CDF_4 = -0.09465000033378601f / 2;
  static final float CDF_5 = 0.5477189421653748f / 2;
  static final float CDF_6 = -0.5122770667076111f / 2;
  static final float CDF_7 = 0.4855627119541168f / 2;
  static final float CDF_8 = -0.12952280044555664f / 2;

  private ScalarMath() {}

  /** (1 + tanh(u)) / 2 = 1 / (1 + exp(−2u)), u the argument of the tanh in the GELU of x. */
  static float geluGate(float x) {
    return (float) gate(x);
  }

  private static double gate(double x) {
    return 1 / (1 + Math.exp(-2 * GELU_SCALE * (x + GELU_CUBIC * x * x * x)));
  }

  /** The derivative of x · {@link #geluGate}; 0 or 1 far from 0. */
  static float geluTanhSlope(float x) {
    double gate = gate(x);
    if (Math.abs(x) > 10) {
      return (float) gate;
    }
    double innerSlope = GELU_SCALE * (1 + 3 * GELU_CUBIC * x * x);
    return (float) (gate + 2 * x * gate * (1 - gate) * innerSlope);
  }

  /** The normal distribution function Φ(x) = (1 + erf(x / √2)) / 2. */
  static float normalCdf(float x) {
    double t = 1 / (1 + CDF_T * (double) Math.abs(x));
    double p = CDF_8;
    p = p * t + CDF_7;
    p = p * t + CDF_6;
    p = p * t + CDF_5;
    p = p * t + CDF_4;
    p = p * t + CDF_3;
    p = p * t + CDF_2;
    p = p * t + CDF_1;
    p = p * t + CDF_0;
    double tail = p * t * Math.exp(-0.5 * x * x);
    return (float) (x < 0 ? tail : 1 - tail);
  }

  /** The derivative of x · {@link #normalCdf}; 0 or 1 far from 0. */
  static float geluErfSlope(float x) {
    float cdf = normalCdf(x);
    return Math.abs(x) > 20 ? cdf : cdf + (float) (x * DENSITY_AT_ZERO * Math.exp(-0.5 * x * x));
  }

  /** 1 / (1 + exp(−x)). */
  static float sigmoid(float x) {
    return (float) (1 / (1 + Math.exp(-x)));
  }

  /** The derivative of x · {@link #sigmoid}; 0 or 1 far from 0. */
  static float siluSlope(float x) {
    double s = 1 / (1 + Math.exp(-(double) x));
    return (float) (Math.abs(x) > 100 ? s : s * (1 + x * (1 - s)));
  }
}
