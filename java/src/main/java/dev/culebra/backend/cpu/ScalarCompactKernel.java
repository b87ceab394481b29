package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.culebra.backend.CompactWeight;
import dev.culebra.tensor.BFloat16;

/** {@link CompactKernel} as plain loops. */
final class ScalarCompactKernel implements CompactKernel {
  @Override
  public void dotsBf16(
      long out, long outStride, long x, int n, long values, int count, int length, long scratch) {
    for (int i = 0; i < count; i++) {
      long w = values + 2L * i * length;
      for (int r = 0; r < n; r++) {
        put(out + r * outStride + 4L * i, dotBf16(x + 4L * r * length, w, 0, length, 0));
      }
    }
  }

  /** sum + Σ x[k] · w[k] over {@code from} ≤ k < {@code to}. */
  static float dotBf16(long x, long values, int from, int to, float sum) {
    for (int k = from; k < to; k++) {
      sum = Math.fma(get(x + 4L * k), bf16(values + 2L * k), sum);
    }
    return sum;
  }

  @Override
  public void dotsInt8(
      long out, long outStride, long x, int n, long values, long scales, int count, int length) {
    int blocks = Math.ceilDiv(length, CompactWeight.BLOCK);
    for (int i = 0; i < count; i++) {
      long w = values + (long) i * length;
      long s = scales + 4L * i * blocks;
      for (int r = 0; r < n; r++) {
        put(out + r * outStride + 4L * i, dotInt8(x + 4L * r * length, w, s, 0, length, 0));
      }
    }
  }

  /** sum + Σ scale · x[k] · w[k] from {@code block} on. */
  static float dotInt8(long x, long values, long scales, int block, int length, float sum) {
    for (int from = block * CompactWeight.BLOCK; from < length; from += CompactWeight.BLOCK) {
      int to = Math.min(from + CompactWeight.BLOCK, length);
      float part = 0;
      for (int k = from; k < to; k++) {
        part = Math.fma(get(x + 4L * k), ALL.get(JAVA_BYTE, safe(values + k)), part);
      }
      sum = Math.fma(get(scales + 4L * (from / CompactWeight.BLOCK)), part, sum);
    }
    return sum;
  }

  @Override
  public void narrowBf16(long to, long from, int length) {
    narrowBf16(to, from, 0, length);
  }

  /** The same from column {@code first} on. */
  static void narrowBf16(long to, long from, int first, int length) {
    for (int k = first; k < length; k++) {
      ALL.set(JAVA_SHORT, safe(to + 2L * k), BFloat16.fromFloat(unaligned(from + 4L * k)));
    }
  }

  @Override
  public float narrowInt8(long to, long from, int length) {
    float most = most(from, 0, length, 0);
    divide(to, from, 0, length, inverse(most));
    return most / Byte.MAX_VALUE;
  }

  /** The largest of {@code most} and of the sizes from column {@code first} on; or NaN. */
  static float most(long from, int first, int length, float most) {
    for (int k = first; k < length; k++) {
      most = Math.max(most, Math.abs(unaligned(from + 4L * k)));
    }
    return most;
  }

  /** 127 / most, or 0 for a block of zeros, or next to it. */
  static float inverse(float most) {
    float inverse = Byte.MAX_VALUE / most;
    return Float.isInfinite(inverse) ? 0 : inverse;
  }

  /** to[k] = from[k] · inverse, rounded, from column {@code first} on. */
  static void divide(long to, long from, int first, int length, float inverse) {
    for (int k = first; k < length; k++) {
      byte rounded = (byte) Math.rint(unaligned(from + 4L * k) * inverse);
      ALL.set(JAVA_BYTE, safe(to + k), rounded);
    }
  }

  private static float unaligned(long address) {
    return ALL.get(JAVA_FLOAT_UNALIGNED, safe(address));
  }

  @Override
  public void widenBf16(long to, long values, int length) {
    widenBf16(to, values, 0, length);
  }

  /** The same from column {@code from} on. */
  static void widenBf16(long to, long values, int from, int length) {
    for (int k = from; k < length; k++) {
      put(to + 4L * k, bf16(values + 2L * k));
    }
  }

  @Override
  public void widenInt8(long to, long values, float scale, int length) {
    widenInt8(to, values, scale, 0, length);
  }

  /** The same from column {@code from} on. */
  static void widenInt8(long to, long values, float scale, int from, int length) {
    for (int k = from; k < length; k++) {
      put(to + 4L * k, scale * ALL.get(JAVA_BYTE, safe(values + k)));
    }
  }

  private static float bf16(long address) {
    return BFloat16.toFloat(ALL.get(JAVA_SHORT, safe(address)));
  }

  private static float get(long address) {
    return ALL.get(JAVA_FLOAT, safe(address));
  }

  private static void put(long address, float value) {
    ALL.set(JAVA_FLOAT, safe(address), value);
  }
}
