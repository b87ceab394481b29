package dev.culebra.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** What {@link VectorAttentionKernel} needs besides {@link VectorMath}. */
final class AttentionMath {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  private static final float LN2_HIGH = 0.693359375f;
  private static final float LN2_LOW = -2.12194440e-4f;

  /** The bits of √½. */
  private static final int ROOT_HALF = 0x3F3504F3;

  private AttentionMath() {}

  /**
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
  }

  private static FloatVector broadcast(float value) {
    return FloatVector.broadcast(SPECIES, value);
  }
}
