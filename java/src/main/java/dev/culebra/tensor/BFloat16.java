package dev.culebra.tensor;

/** Between bfloat16, the upper half of a single, and single precision. Stateless. */
public final class BFloat16 {
  private static final int QUIET_NAN = 0x7FC0;

  private BFloat16() {}

  /** The bits of {@code value} rounded to nearest, ties to even; beyond the largest is infinite. */
  public static short fromFloat(float value) {
    if (Float.isNaN(value)) {
      return QUIET_NAN;
    }
    int bits = Float.floatToRawIntBits(value);
    int evenUp = bits >>> 16 & 1;
    return (short) (bits + 0x7FFF + evenUp >>> 16);
  }

  /** The value that {@code bits} stand for, exactly. */
  public static float toFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** {@code value} rounded as {@link #fromFloat} does, as a float. */
  public static float rounded(float value) {
    return toFloat(fromFloat(value));
  }
}
