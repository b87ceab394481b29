package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static dev.culebra.backend.cpu.RawMemory.safeStride;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.culebra.backend.CompactWeight;
import dev.culebra.tensor.BFloat16;
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

  private static final long VECTOR_BYTES = 4L * LANES;
  private static final int BLOCK = CompactWeight.BLOCK;

  private static final int NAN = BFloat16.fromFloat(Float.NaN) << 16;

  /** Added and taken away again, it rounds a small single to the nearest whole number. */
  private static final float TO_WHOLE = 0x1.8p23f;

  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  @Override
  public void dotsBf16(
      long out, long outStride, long x, int n, long values, int count, int length, long scratch) {
    long xStride = 4L * length;
    long stride = safeStride(2L * length);
    int i = 0;
    for (; i + 4 <= count; i += 4) {
      long to = out + 4L * i;
      long row = values + i * stride;
      int r = 0;
      for (; r + 2 <= n; r += 2) {
        dotBf164x2(to + r * outStride, outStride, x + r * xStride, row, stride, length, scratch);
      }
      if (r < n) {
        dotBf164(to + r * outStride, x + r * xStride, row, stride, length, scratch);
      }
    }
    for (; i < count; i++) {
      for (int r = 0; r < n; r++) {
        put(out + r * outStride + 4L * i, dotBf16(x + r * xStride, values + i * stride, length));
      }
    }
  }

  /** Four rows of weights: four streams of memory, and as many sums. */
  private static void dotBf164(long out, long x, long w, long stride, int length, long scratch) {
    FloatVector a = FloatVector.zero(SPECIES);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    int whole = SPECIES.loopBound(length);
    for (int k = 0; k < whole; k += LANES) {
      long p = safe(w + 2L * k);
      FloatVector v = load(safe(x + 4L * k));
      a = v.fma(bf16(p), a);
      b = v.fma(bf16(p + stride), b);
      c = v.fma(bf16(p + 2 * stride), c);
      d = v.fma(bf16(p + 3 * stride), d);
    }
    store(scratch, a, b, c, d);
    dotBf16Finish(out, x, w, stride, whole, length, scratch);
  }

  /** The same with two rows of x, which share the loads of the weights. */
  private static void dotBf164x2(
      long out, long outStride, long x, long w, long stride, int length, long scratch) {
    FloatVector a = FloatVector.zero(SPECIES);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    FloatVector e = a;
    FloatVector f = a;
    FloatVector g = a;
    FloatVector h = a;
    long other = safeStride(4L * length);
    int whole = SPECIES.loopBound(length);
    for (int k = 0; k < whole; k += LANES) {
      long p = safe(w + 2L * k);
      long q = safe(x + 4L * k);
      FloatVector v = load(q);
      FloatVector u = load(q + other);
      FloatVector weights = bf16(p);
      a = v.fma(weights, a);
      e = u.fma(weights, e);
      weights = bf16(p + stride);
      b = v.fma(weights, b);
      f = u.fma(weights, f);
      weights = bf16(p + 2 * stride);
      c = v.fma(weights, c);
      g = u.fma(weights, g);
      weights = bf16(p + 3 * stride);
      d = v.fma(weights, d);
      h = u.fma(weights, h);
    }
    store(scratch, a, b, c, d);
    store(scratch + 4 * VECTOR_BYTES, e, f, g, h);
    dotBf16Finish(out, x, w, stride, whole, length, scratch);
    dotBf16Finish(out + outStride, x + other, w, stride, whole, length, scratch + 4 * VECTOR_BYTES);
  }

  private static void store(
      long scratch, FloatVector a, FloatVector b, FloatVector c, FloatVector d) {
    a.intoMemorySegment(ALL, safe(scratch), ORDER);
    b.intoMemorySegment(ALL, safe(scratch + VECTOR_BYTES), ORDER);
    c.intoMemorySegment(ALL, safe(scratch + 2 * VECTOR_BYTES), ORDER);
    d.intoMemorySegment(ALL, safe(scratch + 3 * VECTOR_BYTES), ORDER);
  }

  /**
   * The sums of four rows in {@code scratch}, and what follows the last whole vector. By way of
   * memory: with all sums of lanes in one method C2 stops inlining and boxes them.
   */
  private static void dotBf16Finish(
      long out, long x, long w, long stride, int from, int length, long scratch) {
    for (int i = 0; i < 4; i++) {
      float sum = LaneSum.of(load(safe(scratch + i * VECTOR_BYTES)));
      put(out + 4L * i, ScalarCompactKernel.dotBf16(x, w + i * stride, from, length, sum));
    }
  }

  private static float dotBf16(long x, long w, int length) {
    FloatVector sum = FloatVector.zero(SPECIES);
    int whole = SPECIES.loopBound(length);
    for (int k = 0; k < whole; k += LANES) {
      sum = load(safe(x + 4L * k)).fma(bf16(safe(w + 2L * k)), sum);
    }
    return ScalarCompactKernel.dotBf16(x, w, whole, length, LaneSum.of(sum));
  }

  /** The sign that S2I puts into the upper half is shifted out; ZERO_EXTEND_S2I boxes (JDK 25). */
  private static FloatVector bf16(long p) {
    return ((IntVector)
            ShortVector.fromMemorySegment(HALVES, ALL, p, ORDER)
                .convertShape(VectorOperators.S2I, INTS, 0))
        .lanewise(VectorOperators.LSHL, 16)
        .reinterpretAsFloats();
  }

  /** One row of weights after another: with so few bytes, widening them takes the time. */
  @Override
  public void dotsInt8(
      long out, long outStride, long x, int n, long values, long scales, int count, int length) {
    int blocks = Math.ceilDiv(length, BLOCK);
    int whole = length / BLOCK;
    long xStride = 4L * length;
    for (int i = 0; i < count; i++) {
      long w = values + (long) i * length;
      long s = scales + 4L * i * blocks;
      int r = 0;
      for (; r + 2 <= n; r += 2) {
        dots2Int8(out + r * outStride + 4L * i, outStride, x + r * xStride, w, s, whole, length);
      }
      if (r < n) {
        long at = x + r * xStride;
        float sum = dotInt8(at, w, s, whole);
        put(
            out + r * outStride + 4L * i,
            ScalarCompactKernel.dotInt8(at, w, s, whole, length, sum));
      }
    }
  }

  /** Over whole blocks. */
  private static float dotInt8(long x, long w, long scales, int blocks) {
    FloatVector sum = FloatVector.zero(SPECIES);
    for (int b = 0; b < blocks; b++) {
      long p = safe(w + (long) BLOCK * b);
      long q = safe(x + 4L * BLOCK * b);
      FloatVector s = load(q).mul(int8(p));
      FloatVector t = load(q + 4L * LANES).mul(int8(p + LANES));
      for (int j = 2 * LANES; j < BLOCK; j += 2 * LANES) {
        s = load(q + 4L * j).fma(int8(p + j), s);
        t = load(q + 4L * (j + LANES)).fma(int8(p + j + LANES), t);
      }
      sum = s.add(t).fma(scale(scales, b), sum);
    }
    return LaneSum.of(sum);
  }

  /** Two rows of x share the widened weights; each has the sums of {@link #dotInt8}. */
  private static void dots2Int8(
      long out, long outStride, long x, long w, long scales, int blocks, int length) {
    FloatVector sum = FloatVector.zero(SPECIES);
    FloatVector sum2 = sum;
    long other = safeStride(4L * length);
    for (int b = 0; b < blocks; b++) {
      long p = safe(w + (long) BLOCK * b);
      long q = safe(x + 4L * BLOCK * b);
      FloatVector v = int8(p);
      FloatVector s = load(q).mul(v);
      FloatVector s2 = load(q + other).mul(v);
      v = int8(p + LANES);
      FloatVector t = load(q + 4L * LANES).mul(v);
      FloatVector t2 = load(q + other + 4L * LANES).mul(v);
      for (int j = 2 * LANES; j < BLOCK; j += 2 * LANES) {
        v = int8(p + j);
        s = load(q + 4L * j).fma(v, s);
        s2 = load(q + other + 4L * j).fma(v, s2);
        v = int8(p + j + LANES);
        t = load(q + 4L * (j + LANES)).fma(v, t);
        t2 = load(q + other + 4L * (j + LANES)).fma(v, t2);
      }
      FloatVector scale = scale(scales, b);
      sum = s.add(t).fma(scale, sum);
      sum2 = s2.add(t2).fma(scale, sum2);
    }
    float first = LaneSum.of(sum);
    float second = LaneSum.of(sum2);
    put(out, ScalarCompactKernel.dotInt8(x, w, scales, blocks, length, first));
    put(out + outStride, ScalarCompactKernel.dotInt8(x + other, w, scales, blocks, length, second));
  }

  private static FloatVector scale(long scales, int block) {
    return FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, safe(scales + 4L * block)));
  }

  private static FloatVector int8(long p) {
    return (FloatVector)
        ByteVector.fromMemorySegment(QUARTERS, ALL, p, ORDER)
            .convertShape(VectorOperators.B2F, SPECIES, 0);
  }

  /** The upper half, rounded to nearest even by what is added below it. */
  @Override
  public void narrowBf16(long to, long from, int length) {
    int whole = SPECIES.loopBound(length);
    for (int k = 0; k < whole; k += LANES) {
      FloatVector v = load(safe(from + 4L * k));
      IntVector bits = v.reinterpretAsInts();
      IntVector rounding = bits.lanewise(VectorOperators.LSHR, 16).and(1).add(0x7FFF);
      IntVector rounded =
          bits.add(rounding)
              .blend(NAN, v.test(VectorOperators.IS_NAN).cast(INTS))
              .lanewise(VectorOperators.LSHR, 16);
      ((ShortVector) rounded.convertShape(VectorOperators.I2S, HALVES, 0))
          .intoMemorySegment(ALL, safe(to + 2L * k), ORDER);
    }
    ScalarCompactKernel.narrowBf16(to, from, whole, length);
  }

  @Override
  public float narrowInt8(long to, long from, int length) {
    int whole = SPECIES.loopBound(length);
    FloatVector most = FloatVector.zero(SPECIES);
    for (int k = 0; k < whole; k += LANES) {
      most = most.max(load(safe(from + 4L * k)).abs());
    }
    float all =
        ScalarCompactKernel.most(from, whole, length, most.reduceLanes(VectorOperators.MAX));
    float inverse = ScalarCompactKernel.inverse(all);
    FloatVector factors = FloatVector.broadcast(SPECIES, inverse);
    FloatVector magic = FloatVector.broadcast(SPECIES, TO_WHOLE);
    for (int k = 0; k < whole; k += LANES) {
      FloatVector scaled = load(safe(from + 4L * k)).mul(factors).add(magic).sub(magic);
      ((ByteVector) scaled.convertShape(VectorOperators.F2B, QUARTERS, 0))
          .intoMemorySegment(ALL, safe(to + k), ORDER);
    }
    ScalarCompactKernel.divide(to, from, whole, length, inverse);
    return all / Byte.MAX_VALUE;
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

  private static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(SPECIES, ALL, address, ORDER);
  }

  private static void put(long address, float value) {
    ALL.set(JAVA_FLOAT, safe(address), value);
  }
}
