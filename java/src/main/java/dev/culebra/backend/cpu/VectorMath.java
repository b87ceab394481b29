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
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Elementary functions on vectors. Every lane is computed alike, so a number's result does not
 * depend on where it lies. NaN gives NaN. The methods are short enough to inline into a loop, which
 * they must: a vector passed to a method that is not inlined is boxed. Stateless and thread-safe.
 */
final class VectorMath {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  private static final float LOG2_E = 1.44269504f;

  /** ln 2 in two parts; a multiple of the first is exact with a fused multiply-add. */
  private static final float LN_2 = 0.693147182f;

  private static final float LN_2_REST = -1.90465421e-9f;

  /** 1.5 · 2²³: adding it rounds to an integer, which is then in the lowest bits. */
  private static final float ROUNDER = 0x1.8p23f;

  private static final int ONE_BITS = 0x3F800000;
  private static final int EXPONENT_SHIFT = 23;

  /** ln of the smallest normal float, rounded towards 0. */
  private static final float LEAST_EXPONENT = -87.33654f;

  // exp(r) = 1 + r + r² · (E_2 + E_3 r + … ) for |r| ≤ ln(2)/2, relative error 3.1e-9: a minimax
  // fit of our own.
  private static final float E_2 = 0.4999999403953552f;
  private static final float E_3 = 0.1666652113199234f;
  private static final float E_4 = 0.04166838899254799f;
  private static final float E_5 = 0.00836874544620514f;
  private static final float E_6 = 0.0013814540579915047f;

  /** Beyond it the slope of the GELUs is 0 or 1. */
  private static final float FLAT_TANH = 10;

  private static final float FLAT_ERF = 15;

  private VectorMath() {}

  /**
   * exp(x) for x ≤ 0, with a relative error below 1.2e-7; 0 where it is below the smallest normal
   * float, −∞ included.
   */
  static FloatVector expNonPositive(FloatVector x) {
    FloatVector shifted =
        x.fma(FloatVector.broadcast(SPECIES, LOG2_E), FloatVector.broadcast(SPECIES, ROUNDER));
    FloatVector n = shifted.sub(ROUNDER);
    FloatVector r = n.fma(FloatVector.broadcast(SPECIES, -LN_2), x);
    r = n.fma(FloatVector.broadcast(SPECIES, -LN_2_REST), r);
    FloatVector p = step(FloatVector.broadcast(SPECIES, E_6), r, E_5);
    p = step(step(step(p, r, E_4), r, E_3), r, E_2);
    p = step(step(p, r, 1), r, 1);
    FloatVector power =
        shifted
            .reinterpretAsInts()
            .lanewise(VectorOperators.LSHL, EXPONENT_SHIFT)
            .add(ONE_BITS)
            .reinterpretAsFloats();
    return p.mul(power).blend(0, x.compare(VectorOperators.LT, LEAST_EXPONENT));
  }

  /** p · x + c: one step of Horner's scheme. */
  private static FloatVector step(FloatVector p, FloatVector x, float c) {
    return p.fma(x, FloatVector.broadcast(SPECIES, c));
  }

  /**
   * exp(−2u) of the magnitude |x|, u = √(2/π) · (|x| + 0.044715 |x|³): what both {@link #geluTanh}
   * and its slope are made of.
   */
  private static FloatVector geluExp(FloatVector magnitude) {
    FloatVector inner =
        magnitude
            .mul(magnitude)
            .mul(-2 * GELU_SCALE * GELU_CUBIC)
            .sub(2 * GELU_SCALE)
            .mul(magnitude);
    return expNonPositive(inner);
  }

  /**
   * x/2 · (1 + tanh(u)) = x / (1 + exp(−2u)), with an error below 3e-7 · |x|. As the formula has
   * it, −∞ gives NaN.
   */
  static FloatVector geluTanh(FloatVector x) {
    FloatVector e = geluExp(x.abs());
    FloatVector one = FloatVector.broadcast(SPECIES, 1);
    FloatVector gate = one.blend(e, x.compare(VectorOperators.LT, 0));
    return x.mul(gate).div(e.add(1));
  }

  /** The derivative of {@link #geluTanh}: gate + 2x · gate · (1 − gate) · u′; 0 and 1 far out. */
  static FloatVector geluTanhSlope(FloatVector x) {
    FloatVector clamped = x.max(-FLAT_TANH).min(FLAT_TANH);
    FloatVector magnitude = clamped.abs();
    FloatVector e = geluExp(magnitude);
    FloatVector one = FloatVector.broadcast(SPECIES, 1);
    FloatVector inverse = one.div(e.add(1));
    FloatVector gate = one.blend(e, x.compare(VectorOperators.LT, 0)).mul(inverse);
    FloatVector bell = e.mul(inverse).mul(inverse);
    FloatVector innerSlope =
        magnitude
            .mul(magnitude)
            .fma(
                FloatVector.broadcast(SPECIES, 6 * GELU_SCALE * GELU_CUBIC),
                FloatVector.broadcast(SPECIES, 2 * GELU_SCALE));
    return clamped.mul(bell).fma(innerSlope, gate);
  }

  /** x · Φ(x), with an error below 3e-7 · |x|. As the formula has it, −∞ gives NaN. */
  static FloatVector geluErf(FloatVector x) {
    return x.mul(normalCdf(x, squareExp(x)));
  }

  /** The derivative of {@link #geluErf}: Φ(x) + x · φ(x); 0 and 1 far out. */
  static FloatVector geluErfSlope(FloatVector x) {
    FloatVector clamped = x.max(-FLAT_ERF).min(FLAT_ERF);
    FloatVector e = squareExp(clamped);
    return clamped.mul(DENSITY_AT_ZERO).fma(e, normalCdf(clamped, e));
  }

  /** exp(−x²/2). */
  static FloatVector squareExp(FloatVector x) {
    return expNonPositive(x.mul(x).mul(-0.5f));
  }

  /**
   * The normal distribution function Φ(x), with an absolute error below 1.5e-7.
   *
   * @param e {@link #squareExp} of x
   */
  static FloatVector normalCdf(FloatVector x, FloatVector e) {
    FloatVector one = FloatVector.broadcast(SPECIES, 1);
    FloatVector t = one.div(x.abs().fma(FloatVector.broadcast(SPECIES, CDF_T), one));
    FloatVector p = step(FloatVector.broadcast(SPECIES, CDF_8), t, CDF_7);
    p = step(step(p, t, CDF_6), t, CDF_5);
    p = step(step(p, t, CDF_4), t, CDF_3);
    p = step(step(p, t, CDF_2), t, CDF_1);
    FloatVector tail = step(p, t, CDF_0).mul(t).mul(e);
    VectorMask<Float> below = x.compare(VectorOperators.LT, 0);
    return one.sub(tail).blend(tail, below);
  }
}
