package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static dev.culebra.backend.cpu.RawMemory.safeStride;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.culebra.backend.CompactWeight;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link CompactKernel} with the Vector API, for {@link #LEAST_BITS} bits or more. Weights are
 * widened in registers and multiplied in F32, so that the memory is all that a token waits for.
 */
final class VectorCompactKernel implements CompactKernel {
  /** A quarter of a shorter vector is not a vector. */
  static final int LEAST_BITS = 256;

  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  /** As many shorts, and bytes, as a vector has floats. */
  private static final VectorSpecies<Short> HALVES =
      VectorSpecies.of(short.class, VectorShape.forBitSize(SPECIES.vectorBitSize() / 2));

  private static final VectorSpecies<Byte> QUARTERS =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(SPECIES.vectorBitSize() / 4));

  private static final int BLOCK = CompactWeight.BLOCK;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  @Override
  public void dotsBf16(long out, long x, long values, int rows, int length) {
    long stride = 2L * length;
    int i = 0;
    for (; i + 4 <= rows; i += 4) {
      dots4Bf16(out + 4L * i, x, values + i * stride, safeStride(stride), length);
    }
    for (; i < rows; i++) {
      put(out + 4L * i, dotBf16(x, values + i * stride, length));
    }
  }

  /** Four rows at once share the loads of x and keep four streams of memory going. */
  private static void dots4Bf16(long out, long x, long w, long stride, int length) {
    FloatVector s0 = FloatVector.zero(SPECIES);
    FloatVector s1 = FloatVector.zero(SPECIES);
    FloatVector s2 = FloatVector.zero(SPECIES);
    FloatVector s3 = FloatVector.zero(SPECIES);
    int whole = SPECIES.loopBound(length);
    for (int k = 0; k < whole; k += LANES) {
      long p = safe(w + 2L * k);
      FloatVector v = FloatVector.fromMemorySegment(SPECIES, ALL, safe(x + 4L * k), ORDER);
      s0 = v.fma(bf16(p), s0);
      s1 = v.fma(bf16(p + stride), s1);
      s2 = v.fma(bf16(p + 2 * stride), s2);
      s3 = v.fma(bf16(p + 3 * stride), s3);
    }
    float d0 = LaneSum.of(s0);
    float d1 = LaneSum.of(s1);
    float d2 = LaneSum.of(s2);
    float d3 = LaneSum.of(s3);
    put(out, ScalarCompactKernel.dotBf16(x, w, whole, length, d0));
    put(out + 4, ScalarCompactKernel.dotBf16(x, w + stride, whole, length, d1));
    put(out + 8, ScalarCompactKernel.dotBf16(x, w + 2 * stride, whole, length, d2));
    put(out + 12, ScalarCompactKernel.dotBf16(x, w + 3 * stride, whole, length, d3));
  }

  private static float dotBf16(long x, long w, int length) {
    FloatVector s = FloatVector.zero(SPECIES);
    int whole = SPECIES.loopBound(length);
    for (int k = 0; k < whole; k += LANES) {
      s =
          FloatVector.fromMemorySegment(SPECIES, ALL, safe(x + 4L * k), ORDER)
              .fma(bf16(safe(w + 2L * k)), s);
    }
    return ScalarCompactKernel.dotBf16(x, w, whole, length, LaneSum.of(s));
  }

  /** The sign that S2I puts into the upper half is shifted out; ZERO_EXTEND_S2I boxes (JDK 25). */
  private static FloatVector bf16(long p) {
    return ((IntVector)
            ShortVector.fromMemorySegment(HALVES, ALL, p, ORDER)
                .convertShape(VectorOperators.S2I, INTS, 0))
        .lanewise(VectorOperators.LSHL, 16)
        .reinterpretAsFloats();
  }

  @Override
  public void dotsInt8(long out, long x, long values, long scales, int rows, int length) {
    int blocks = Math.ceilDiv(length, BLOCK);
    int whole = length / BLOCK;
    for (int i = 0; i < rows; i++) {
      long w = values + (long) i * length;
      long s = scales + 4L * i * blocks;
      put(
          out + 4L * i,
          ScalarCompactKernel.dotInt8(x, w, s, whole, length, dotInt8(x, w, s, whole)));
    }
  }

  /** Over whole blocks. One row after another: the memory sees a single stream. */
  private static float dotInt8(long x, long w, long scales, int blocks) {
    FloatVector sum = FloatVector.zero(SPECIES);
    for (int b = 0; b < blocks; b++) {
      long p = safe(w + (long) BLOCK * b);
      long q = safe(x + 4L * BLOCK * b);
      FloatVector s = FloatVector.fromMemorySegment(SPECIES, ALL, q, ORDER).mul(int8(p));
      FloatVector t =
          FloatVector.fromMemorySegment(SPECIES, ALL, q + 4L * LANES, ORDER).mul(int8(p + LANES));
      for (int j = 2 * LANES; j < BLOCK; j += 2 * LANES) {
        s = FloatVector.fromMemorySegment(SPECIES, ALL, q + 4L * j, ORDER).fma(int8(p + j), s);
        t =
            FloatVector.fromMemorySegment(SPECIES, ALL, q + 4L * (j + LANES), ORDER)
                .fma(int8(p + j + LANES), t);
      }
      float scale = ALL.get(JAVA_FLOAT, safe(scales + 4L * b));
      sum = s.add(t).fma(FloatVector.broadcast(SPECIES, scale), sum);
    }
    return LaneSum.of(sum);
  }

  private static FloatVector int8(long p) {
    return (FloatVector)
        ByteVector.fromMemorySegment(QUARTERS, ALL, p, ORDER)
            .convertShape(VectorOperators.B2F, SPECIES, 0);
  }

  @Override
  public void widenBf16(long to, long values, int length) {
    int whole = SPECIES.loopBound(length);
    for (int k = 0; k < whole; k += LANES) {
      bf16(safe(values + 2L * k)).intoMemorySegment(ALL, safe(to + 4L * k), ORDER);
    }
    ScalarCompactKernel.widenBf16(to, values, whole, length);
  }

  @Override
  public void widenInt8(long to, long values, float scale, int length) {
    int whole = SPECIES.loopBound(length);
    FloatVector scales = FloatVector.broadcast(SPECIES, scale);
    for (int k = 0; k < whole; k += LANES) {
      int8(safe(values + k)).mul(scales).intoMemorySegment(ALL, safe(to + 4L * k), ORDER);
    }
    ScalarCompactKernel.widenInt8(to, values, scale, whole, length);
  }

  private static void put(long address, float value) {
    ALL.set(JAVA_FLOAT, safe(address), value);
  }
}
