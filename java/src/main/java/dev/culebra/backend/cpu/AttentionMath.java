package dev.culebra.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** What {@link VectorAttentionKernel} needs besides {@link VectorMath}. */
final class AttentionMath {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

<<<<<<< HEAD
  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;

  /** The bits of √½. */
  private static final int ROOT_HALF = 0x3F3504F3;
=======
  private static final int LANES = SPECIES.length();
  private static final float LOG2_E = 1.44269504f;
  static final float LN2_HIGH = 0.693359375f;
  static final float LN2_LOW = -2.12194440e-4f;
  private static final float ROUND = 0x1.8p23f;
  private static final float SMALLEST = -87.3f;

  private static final VectorShuffle<Float> BY_HALF = rotation(LANES / 2);
  private static final VectorShuffle<Float> BY_QUARTER = rotation(LANES / 4);
  private static final VectorShuffle<Float> BY_EIGHTH = rotation(LANES / 8);
  private static final VectorShuffle<Float> BY_SIXTEENTH = rotation(LANES / 16);
>>>>>>> attn

  private AttentionMath() {}

  /**
<<<<<<< HEAD
   * ln x for finite x ≥ 1 (error below a unit in the last place of the larger of the result and 1),
   * NaN for NaN: x = 2ⁿ · m with m from √½ to √2, and ln m = 2 (s + s³/3 + s⁵/5 …) with s = (m − 1)
   * / (m + 1), |s| ≤ 0.172.
   */
  static FloatVector log(FloatVector x) {
    IntVector bits = x.reinterpretAsInts();
    IntVector n = bits.sub(ROOT_HALF).lanewise(VectorOperators.ASHR, 23);
    FloatVector m = bits.sub(n.lanewise(VectorOperators.LSHL, 23)).reinterpretAsFloats();
    FloatVector s = m.sub(1).div(m.add(1));
    FloatVector square = s.mul(s);
    FloatVector p = square.fma(broadcast(2 / 9f), broadcast(2 / 7f));
    p = p.fma(square, broadcast(2 / 5f));
    p = p.fma(square, broadcast(2 / 3f));
    p = p.fma(square, broadcast(2));
    FloatVector exponent = (FloatVector) n.convert(VectorOperators.I2F, 0);
    FloatVector low = s.fma(p, exponent.mul(LN2_LOW));
    FloatVector nanOrZero = x.sub(x);
    return exponent.fma(broadcast(LN2_HIGH), low).add(nanOrZero);
=======
   * eˣ for x ≤ 88 (relative error below 2e-7), exactly 0 from where it is no normal number: x = n
   * ln 2 + r, |r| ≤ ln 2 / 2, and the Taylor polynomial of degree 6 in r. Adding 1.5 · 2²³ rounds
   * to an integer n and leaves it in the low bits.
   */
  static FloatVector exp(FloatVector x) {
    FloatVector shifted = x.fma(broadcast(LOG2_E), broadcast(ROUND));
    FloatVector n = shifted.sub(ROUND);
    FloatVector r = n.fma(broadcast(-LN2_HIGH), x);
    r = n.fma(broadcast(-LN2_LOW), r);
    FloatVector p = r.fma(broadcast(1 / 720f), broadcast(1 / 120f));
    p = p.fma(r, broadcast(1 / 24f));
    p = p.fma(r, broadcast(1 / 6f));
    p = p.fma(r, broadcast(0.5f));
    p = p.fma(r, broadcast(1));
    p = p.fma(r, broadcast(1));
    IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
    FloatVector result = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    return result.blend(0, x.compare(VectorOperators.LT, SMALLEST));
  }

  /**
   * The sum of the lanes, halves added to each other until one is left. {@code reduceLanes} would
   * leave the order open: the interpreter and C2 take different ones, so that results would change
   * in the course of a run.
   */
  static float sum(FloatVector v) {
    v = v.add(v.rearrange(BY_HALF));
    v = v.add(v.rearrange(BY_QUARTER));
    if (LANES >= 8) {
      v = v.add(v.rearrange(BY_EIGHTH));
    }
    if (LANES >= 16) {
      v = v.add(v.rearrange(BY_SIXTEENTH));
    }
    return v.lane(0);
  }

  private static VectorShuffle<Float> rotation(int by) {
    return VectorShuffle.fromOp(SPECIES, i -> (i + by) % LANES);
>>>>>>> attn
  }

  private static FloatVector broadcast(float value) {
    return FloatVector.broadcast(SPECIES, value);
  }
}
