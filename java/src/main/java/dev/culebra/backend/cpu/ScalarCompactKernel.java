package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.culebra.backend.CompactWeight;
import dev.culebra.tensor.BFloat16;

/** {@link CompactKernel} as plain loops. */
final class ScalarCompactKernel implements CompactKernel {
  @Override
  public void dotsBf16(long out, long x, long values, int rows, int length) {
    for (int i = 0; i < rows; i++) {
      put(out + 4L * i, dotBf16(x, values + 2L * i * length, 0, length, 0));
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
  public void dotsInt8(long out, long x, long values, long scales, int rows, int length) {
    int blocks = Math.ceilDiv(length, CompactWeight.BLOCK);
    for (int i = 0; i < rows; i++) {
      put(
          out + 4L * i,
          dotInt8(x, values + (long) i * length, scales + 4L * i * blocks, 0, length, 0));
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
