package dev.culebra.tensor;

/**
 * Converts between single precision and bfloat16, which is the upper half of a single. Stateless.
 */
public final class BFloat16 {
  private static final int QUIET_NAN = 0x7FC0;

  private BFloat16() {}

  /** The bits of {@code value}, rounded to nearest, ties to even; overflows become infinite. */
  public static short fromFloat(float value) {
    if (Float.isNaN(value)) {
      return QUIET_NAN;
    }
    int bits = Float.floatToRawIntBits(value);
    int evenUp = bits >>> 16 & 1;
    return (short) (bits + 0x7FFF + evenUp >>> 16);
  }

  /** The exact value of {@code bits}. */
  public static float toFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** {@code value} rounded as {@link #fromFloat} does, as a float. */
  public static float rounded(float value) {
    return toFloat(fromFloat(value));
  }
}
