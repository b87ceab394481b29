package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.ScalarMath.CDF_0;
import static dev.culebra.backend.cpu.ScalarMath.CDF_1;
import static dev.culebra.backend.cpu.ScalarMath.CDF_2;
import static dev.culebra.backend.cpu.ScalarMath.CDF_3;
import static dev.culebra.backend.cpu.ScalarMath.CDF_4;
import static dev.culebra.backend.cpu.ScalarMath.CDF_5;
import static dev.culebra.backend.cpu.ScalarMath.CDF_6;
import static dev.culebra.backend.cpu.ScalarMath.CDF_7;
import static dev.culebra.backend.cpu.ScalarMath.CDF_8;
import static dev.culebra.backend.cpu.ScalarMath.CDF_T;
import static dev.culebra.backend.cpu.ScalarMath.DENSITY_AT_ZERO;
import static dev.culebra.backend.cpu.ScalarMath.GELU_CUBIC;
import static dev.culebra.backend.cpu.ScalarMath.GELU_SCALE;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Elementary functions on vectors. All lanes are computed alike, so a result does not depend on the
 * position of the number. NaN gives NaN. The methods must be short enough to be inlined into a
 * loop: a vector passed to a method that is not inlined is boxed. Stateless and thread-safe.
 */
final class VectorMath {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  // Constants are vectors: a broadcast inside a loop counts as an operation for C2.
  private static final FloatVector LOG2_E = all(1.44269504f);

  /** ln 2 in two parts; a multiple of the first is exact with a fused multiply-add. */
  private static final FloatVector MINUS_LN_2 = all(-0.693147182f);

  private static final FloatVector MINUS_LN_2_REST = all(1.90465421e-9f);

  /** 1.5 · 2²³: adding it rounds to an integer, which is then in the lowest bits. */
  private static final FloatVector ROUNDER = all(0x1.8p23f);

  private static final IntVector ONE_BITS = all(1).reinterpretAsInts();
  private static final int EXPONENT_SHIFT = 23;

  /** ln of the smallest normal float, rounded towards 0. */
  private static final FloatVector LEAST_EXPONENT = all(-87.33654f);

  // exp(r) = 1 + r + r² · (E_2 + E_3 r + … ) for |r| ≤ ln(2)/2, relative error 3.1e-9: our own
  // minimax fit.
  private static final FloatVector E_2 = all(0.4999999403953552f);
  private static final FloatVector E_3 = all(0.1666652113199234f);
  private static final FloatVector E_4 = all(0.04166838899254799f);
  private static final FloatVector E_5 = all(0.00836874544620514f);
  private static final FloatVector E_6 = all(0.0013814540579915047f);

  /** Beyond it the slope of the GELUs is 0 or 1. */
  private static final FloatVector FLAT_TANH = all(10);

  private static final FloatVector FLAT_ERF = all(15);

  private static final FloatVector FLAT_SILU = all(100);

  private static final FloatVector ZERO = all(0);
  private static final FloatVector ONE = all(1);
  private static final FloatVector MINUS_HALF = all(-0.5f);
  private static final FloatVector FOUR = all(4);
  private static final FloatVector MINUS_TWO_SCALE = all(-2 * GELU_SCALE);
  private static final FloatVector MINUS_TWO_CUBIC = all(-2 * GELU_SCALE * GELU_CUBIC);
  private static final FloatVector TWO_SCALE = all(2 * GELU_SCALE);
  private static final FloatVector SIX_CUBIC = all(6 * GELU_SCALE * GELU_CUBIC);
  private static final FloatVector MINUS_DENSITY = all(-DENSITY_AT_ZERO);
  private static final FloatVector T = all(CDF_T);
  private static final FloatVector P_0 = all(CDF_0);
  private static final FloatVector P_1 = all(CDF_1);
  private static final FloatVector P_2 = all(CDF_2);
  private static final FloatVector P_3 = all(CDF_3);
  private static final FloatVector P_4 = all(CDF_4);
  private static final FloatVector P_5 = all(CDF_5);
  private static final FloatVector P_6 = all(CDF_6);
  private static final FloatVector P_7 = all(CDF_7);
  private static final FloatVector P_8 = all(CDF_8);

  private VectorMath() {}

  private static FloatVector all(float value) {
    return FloatVector.broadcast(SPECIES, value);
  }

  /**
   * exp(x) for x ≤ 0, with a relative error below 1.2e-7; 0 for results below the smallest normal
   * float and for −∞.
   */
  static FloatVector expNonPositive(FloatVector x) {
    FloatVector shifted = x.fma(LOG2_E, ROUNDER);
    FloatVector n = shifted.sub(ROUNDER);
    FloatVector r = n.fma(MINUS_LN_2_REST, n.fma(MINUS_LN_2, x));
    FloatVector p = E_6.fma(r, E_5).fma(r, E_4).fma(r, E_3).fma(r, E_2).fma(r, ONE).fma(r, ONE);
    FloatVector power =
        shifted
            .reinterpretAsInts()
            .lanewise(VectorOperators.LSHL, EXPONENT_SHIFT)
            .add(ONE_BITS)
            .reinterpretAsFloats();
    return p.mul(power).blend(ZERO, x.compare(VectorOperators.LT, LEAST_EXPONENT));
  }

  /**
   * exp(−2u) of the magnitude |x|, u = √(2/π) · (|x| + 0.044715 |x|³): used by {@link #geluTanh}
   * and its slope.
   */
  private static FloatVector geluExp(FloatVector magnitude) {
    FloatVector square = magnitude.mul(magnitude);
    return expNonPositive(square.fma(MINUS_TWO_CUBIC, MINUS_TWO_SCALE).mul(magnitude));
  }

  /**
   * x/2 · (1 + tanh(u)) = x / (1 + exp(−2u)), with an error below 3e-7 · |x|. By the formula, −∞
   * gives NaN.
   */
  static FloatVector geluTanh(FloatVector x) {
    FloatVector e = geluExp(x.abs());
    FloatVector gate = ONE.blend(e, x.compare(VectorOperators.LT, ZERO));
    return x.mul(gate).div(e.add(ONE));
  }

  /**
   * The derivative of {@link #geluTanh}. That of −x is e / (1 + e) · (1 − 2x · u′ / (1 + e)) with e
   * = exp(−2u), and the two add up to 1; 0 or 1 far from 0.
   */
  static FloatVector geluTanhSlope(FloatVector x) {
    FloatVector magnitude = bounded(x.abs(), FLAT_TANH);
    FloatVector e = geluExp(magnitude);
    FloatVector inverse = ONE.div(e.add(ONE));
    FloatVector twiceInnerSlope = magnitude.mul(magnitude).fma(SIX_CUBIC, TWO_SCALE);
    FloatVector bend = ONE.sub(magnitude.mul(inverse).mul(twiceInnerSlope));
    return mirrored(e.mul(inverse).mul(bend), x);
  }

  /** min(x, bound); NaN stays NaN. */
  private static FloatVector bounded(FloatVector x, FloatVector bound) {
    return x.blend(bound, x.compare(VectorOperators.GT, bound));
  }

  /** A function with f(−x) = 1 − f(x), from its value at −|x|. */
  private static FloatVector mirrored(FloatVector below, FloatVector x) {
    return ONE.sub(below).blend(below, x.compare(VectorOperators.LT, ZERO));
  }

  /** x · Φ(x), with an error below 3e-7 · |x|. By the formula, −∞ gives NaN. */
  static FloatVector geluErf(FloatVector x) {
    return x.mul(normalCdf(x));
  }

  /**
   * The derivative of {@link #geluErf}, Φ(x) + x · φ(x). That of −x is Φ(−x) − x · φ(x), and the
   * two add up to 1; 0 or 1 far from 0.
   */
  static FloatVector geluErfSlope(FloatVector x) {
    FloatVector magnitude = bounded(x.abs(), FLAT_ERF);
    FloatVector tail = magnitude.fma(MINUS_DENSITY, scaledTail(magnitude));
    return mirrored(tail.mul(squareExp(magnitude)), x);
  }

  /** The normal distribution function Φ(x), with an absolute error below 2e-7. */
  static FloatVector normalCdf(FloatVector x) {
    FloatVector magnitude = x.abs();
    return mirrored(scaledTail(magnitude).mul(squareExp(magnitude)), x);
  }

  /** exp(−x²/2). */
  private static FloatVector squareExp(FloatVector x) {
    return expNonPositive(x.mul(x).mul(MINUS_HALF));
  }

  /** Φ(−x) · exp(x²/2) for x ≥ 0: see {@link ScalarMath#CDF_T}. */
  private static FloatVector scaledTail(FloatVector x) {
    FloatVector t = ONE.div(x.fma(T, ONE));
    FloatVector p = P_8.fma(t, P_7).fma(t, P_6).fma(t, P_5).fma(t, P_4);
    return p.fma(t, P_3).fma(t, P_2).fma(t, P_1).fma(t, P_0).mul(t);
  }

  /** x / (1 + exp(−x)), with an error below 3e-7 · |x|. By the formula, −∞ gives NaN. */
  static FloatVector silu(FloatVector x) {
    FloatVector e = expNonPositive(x.abs().neg());
    FloatVector gate = ONE.blend(e, x.compare(VectorOperators.LT, ZERO));
    return x.mul(gate).div(e.add(ONE));
  }

  /**
   * The derivative of {@link #silu}. That of −x is e / (1 + e) · (1 − x / (1 + e)) with e =
   * exp(−x), and the two add up to 1; 0 or 1 far from 0.
   */
  static FloatVector siluSlope(FloatVector x) {
    FloatVector magnitude = bounded(x.abs(), FLAT_SILU);
    FloatVector e = expNonPositive(magnitude.neg());
    FloatVector inverse = ONE.div(e.add(ONE));
    return mirrored(e.mul(inverse).mul(ONE.sub(magnitude.mul(inverse))), x);
  }

  /** tanh(x / 2) from twice the argument: (1 − e) / (1 + e) with e = exp(−|x|), and x's sign. */
  static FloatVector tanhOfHalf(FloatVector x) {
    FloatVector e = expNonPositive(x.abs().neg());
    FloatVector tanh = ONE.sub(e).div(ONE.add(e));
    return tanh.blend(tanh.neg(), x.compare(VectorOperators.LT, ZERO));
  }

  /** 1 − tanh²(x / 2) = 4e / (1 + e)² with e = exp(−|x|). */
  static FloatVector tanhOfHalfSlope(FloatVector x) {
    FloatVector e = expNonPositive(x.abs().neg());
    FloatVector inverse = ONE.div(e.add(ONE));
    return e.mul(FOUR).mul(inverse).mul(inverse);
  }
}
