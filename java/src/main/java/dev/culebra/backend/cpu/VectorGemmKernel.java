package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static dev.culebra.backend.cpu.RawMemory.safeStride;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link GemmKernel} with the Vector API, for 4, 8 or 16 lanes.
 *
 * <p>The loops over a tile are unrolled by hand, since C2 keeps a sum in a register only as a local
 * variable. They must be inlined completely: a vector passed to a method that is not inlined is
 * boxed, and the kernel runs at a tenth of its speed. And they must stay small: C1 compiles them
 * before C2, and if it runs out of virtual registers (24 separate zeros were enough) the method
 * stays in its slowest form for good.
 */
final class VectorGemmKernel implements GemmKernel {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();
  private static final int COLUMNS = 2 * LANES;
  private static final long VECTOR_BYTES = 4L * LANES;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  @Override
  public int columns() {
    return COLUMNS;
  }

  @Override
  public void tile(long c, long cStride, long a, long b, int depth) {
    if (LANES == 8) { // AVX2 has 16 registers: 6 × 2 sums
      tile6(c, cStride, a, b, depth);
      tile6(c + 6 * cStride, cStride, a + 6 * 4, b, depth);
    } else {
      tile12(c, cStride, a, b, depth);
    }
  }

  @Override
  public void merge(
      long c,
      long cStride,
      long addend,
      long addendStride,
      long x,
      long xStride,
      int rows,
      int columns) {
    int whole = SPECIES.loopBound(columns);
    for (int r = 0; r < rows; r++) {
      if (addend == 0) {
        copyRow(c, x, whole);
      } else {
        addRow(c, addend, x, whole);
      }
      c += cStride;
      addend += addend == 0 ? 0 : addendStride;
      x += xStride;
    }
    if (whole < columns) {
      long at = 4L * whole;
      long back = rows;
      ScalarGemmKernel.add(
          c - back * cStride + at,
          cStride,
          addend == 0 ? 0 : addend - back * addendStride + at,
          addendStride,
          x - back * xStride + at,
          xStride,
          rows,
          columns - whole);
    }
  }

  private static void copyRow(long c, long x, int length) {
    for (int j = 0; j < length; j += LANES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, safe(x + 4L * j), ORDER)
          .intoMemorySegment(ALL, safe(c + 4L * j), ORDER);
    }
  }

  private static void addRow(long c, long addend, long x, int length) {
    for (int j = 0; j < length; j += LANES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, safe(addend + 4L * j), ORDER)
          .add(FloatVector.fromMemorySegment(SPECIES, ALL, safe(x + 4L * j), ORDER))
          .intoMemorySegment(ALL, safe(c + 4L * j), ORDER);
    }
  }

  private static void tile12(long c, long cStride, long a, long b, int depth) {
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector s0 = zero, t0 = zero;
    FloatVector s1 = zero, t1 = zero;
    FloatVector s2 = zero, t2 = zero;
    FloatVector s3 = zero, t3 = zero;
    FloatVector s4 = zero, t4 = zero;
    FloatVector s5 = zero, t5 = zero;
    FloatVector s6 = zero, t6 = zero;
    FloatVector s7 = zero, t7 = zero;
    FloatVector s8 = zero, t8 = zero;
    FloatVector s9 = zero, t9 = zero;
    FloatVector s10 = zero, t10 = zero;
    FloatVector s11 = zero, t11 = zero;
    long p;
    long q;
    for (int k = 0; k < depth; k++) {
      p = safe(a);
      q = safe(b);
      FloatVector u = FloatVector.fromMemorySegment(SPECIES, ALL, q, ORDER);
      FloatVector v = FloatVector.fromMemorySegment(SPECIES, ALL, q + VECTOR_BYTES, ORDER);
      FloatVector x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p));
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 4));
      s1 = x.fma(u, s1);
      t1 = x.fma(v, t1);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 8));
      s2 = x.fma(u, s2);
      t2 = x.fma(v, t2);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 12));
      s3 = x.fma(u, s3);
      t3 = x.fma(v, t3);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 16));
      s4 = x.fma(u, s4);
      t4 = x.fma(v, t4);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 20));
      s5 = x.fma(u, s5);
      t5 = x.fma(v, t5);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 24));
      s6 = x.fma(u, s6);
      t6 = x.fma(v, t6);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 28));
      s7 = x.fma(u, s7);
      t7 = x.fma(v, t7);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 32));
      s8 = x.fma(u, s8);
      t8 = x.fma(v, t8);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 36));
      s9 = x.fma(u, s9);
      t9 = x.fma(v, t9);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 40));
      s10 = x.fma(u, s10);
      t10 = x.fma(v, t10);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 44));
      s11 = x.fma(u, s11);
      t11 = x.fma(v, t11);
      a += 4 * ROWS;
      b += 2 * VECTOR_BYTES;
    }
    q = safe(c);
    s0.intoMemorySegment(ALL, q, ORDER);
    t0.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s1.intoMemorySegment(ALL, q, ORDER);
    t1.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s2.intoMemorySegment(ALL, q, ORDER);
    t2.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s3.intoMemorySegment(ALL, q, ORDER);
    t3.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s4.intoMemorySegment(ALL, q, ORDER);
    t4.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s5.intoMemorySegment(ALL, q, ORDER);
    t5.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s6.intoMemorySegment(ALL, q, ORDER);
    t6.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s7.intoMemorySegment(ALL, q, ORDER);
    t7.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s8.intoMemorySegment(ALL, q, ORDER);
    t8.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s9.intoMemorySegment(ALL, q, ORDER);
    t9.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s10.intoMemorySegment(ALL, q, ORDER);
    t10.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s11.intoMemorySegment(ALL, q, ORDER);
    t11.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
  }

  private static void tile6(long c, long cStride, long a, long b, int depth) {
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector s0 = zero, t0 = zero;
    FloatVector s1 = zero, t1 = zero;
    FloatVector s2 = zero, t2 = zero;
    FloatVector s3 = zero, t3 = zero;
    FloatVector s4 = zero, t4 = zero;
    FloatVector s5 = zero, t5 = zero;
    long p;
    long q;
    for (int k = 0; k < depth; k++) {
      p = safe(a);
      q = safe(b);
      FloatVector u = FloatVector.fromMemorySegment(SPECIES, ALL, q, ORDER);
      FloatVector v = FloatVector.fromMemorySegment(SPECIES, ALL, q + VECTOR_BYTES, ORDER);
      FloatVector x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p));
      s0 = x.fma(u, s0);
      t0 = x.fma(v, t0);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 4));
      s1 = x.fma(u, s1);
      t1 = x.fma(v, t1);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 8));
      s2 = x.fma(u, s2);
      t2 = x.fma(v, t2);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 12));
      s3 = x.fma(u, s3);
      t3 = x.fma(v, t3);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 16));
      s4 = x.fma(u, s4);
      t4 = x.fma(v, t4);
      x = FloatVector.broadcast(SPECIES, ALL.get(JAVA_FLOAT, p + 20));
      s5 = x.fma(u, s5);
      t5 = x.fma(v, t5);
      a += 4 * ROWS;
      b += 2 * VECTOR_BYTES;
    }
    q = safe(c);
    s0.intoMemorySegment(ALL, q, ORDER);
    t0.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s1.intoMemorySegment(ALL, q, ORDER);
    t1.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s2.intoMemorySegment(ALL, q, ORDER);
    t2.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s3.intoMemorySegment(ALL, q, ORDER);
    t3.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s4.intoMemorySegment(ALL, q, ORDER);
    t4.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
    c += cStride;
    q = safe(c);
    s5.intoMemorySegment(ALL, q, ORDER);
    t5.intoMemorySegment(ALL, q + VECTOR_BYTES, ORDER);
  }

  @Override
  public void packAlong(long panel, int width, long src, long srcStride, int count, int depth) {
    for (int i = 0; i < width; i += LANES) {
      if (i + LANES <= count) {
        copyVectors(panel + 4L * i, 4L * width, src + 4L * i, srcStride, depth);
      } else {
        copyPart(
            panel + 4L * i,
            4L * width,
            Math.min(LANES, width - i),
            src + 4L * i,
            srcStride,
            count - i,
            depth);
      }
    }
  }

  private static void copyVectors(long dst, long dstStride, long src, long srcStride, int depth) {
    for (int k = 0; k < depth; k++) {
      FloatVector.fromMemorySegment(SPECIES, ALL, safe(src), ORDER)
          .intoMemorySegment(ALL, safe(dst), ORDER);
      src += srcStride;
      dst += dstStride;
    }
  }

  /**
   * Copies {@code count} numbers (none if negative) per row, with zeros after them up to {@code
   * width}.
   */
  private static void copyPart(
      long dst, long dstStride, int width, long src, long srcStride, int count, int depth) {
    VectorMask<Float> read = SPECIES.indexInRange(0, Math.max(count, 0));
    VectorMask<Float> write = SPECIES.indexInRange(0, width);
    for (int k = 0; k < depth; k++) {
      FloatVector.fromMemorySegment(SPECIES, ALL, safe(src), ORDER, read)
          .intoMemorySegment(ALL, safe(dst), ORDER, write);
      src += srcStride;
      dst += dstStride;
    }
  }

  @Override
  public void packAcross(
      long panel, int width, long src, long srcStride, int count, int depth, long scratch) {
    int k = 0;
    if (LANES == VectorTranspose.SIDE) {
      for (; k + LANES <= depth; k += LANES) {
        for (int i = 0; i < width; i += LANES) {
          VectorTranspose.block(
              panel + 4L * (k * width + i),
              4L * width,
              Math.min(LANES, width - i),
              src + Math.min(i, count - 1) * srcStride + 4L * k,
              srcStride,
              Math.max(1, count - i),
              scratch);
        }
      }
    }
    ScalarGemmKernel.transpose(
        panel + 4L * k * width, width, src + 4L * k, srcStride, count, depth - k);
  }

  /** Reads the panel as rows of 4 · ROWS numbers, a multiple of every vector length. */
  @Override
  public void addPanelSums(long sums, long a, int rows, int depth, long scratch) {
    int fours = depth / 4;
    for (int i = 0; i < 4 * ROWS; i += LANES) {
      sumStrided(scratch + 4L * i, a + 4L * i, 4L * 4 * ROWS, fours);
    }
    ScalarGemmKernel.addSums(sums, scratch, rows, 4);
    ScalarGemmKernel.addSums(sums, a + 4L * 4 * ROWS * fours, rows, depth - 4 * fours);
  }

  private static void sumStrided(long sum, long src, long stride, int count) {
    FloatVector s = FloatVector.zero(SPECIES);
    for (int k = 0; k < count; k++) {
      s = s.add(FloatVector.fromMemorySegment(SPECIES, ALL, safe(src), ORDER));
      src += stride;
    }
    s.intoMemorySegment(ALL, safe(sum), ORDER);
  }

  @Override
  public void dots(
      long out, long outStride, long x, int n, long w, int count, int length, long scratch) {
    long xStride = 4L * length;
    long stride = safeStride(4L * length);
    int i = 0;
    for (; i + 4 <= count; i += 4) {
      long to = out + 4L * i;
      long row = w + i * stride;
      int r = 0;
      for (; r + 2 <= n; r += 2) {
        dot4x2(to + r * outStride, outStride, x + r * xStride, row, stride, length, scratch);
      }
      if (r < n) {
        dot4(to + r * outStride, x + r * xStride, row, stride, length, scratch);
      }
    }
    for (; i < count; i++) {
      for (int r = 0; r < n; r++) {
        put(out + r * outStride + 4L * i, dot(x + r * xStride, w + i * stride, length));
      }
    }
  }

  /** Four rows of weights: four streams of memory, and as many sums. */
  private static void dot4(long out, long x, long w, long stride, int length, long scratch) {
    FloatVector a = FloatVector.zero(SPECIES);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    int whole = SPECIES.loopBound(length);
    for (int k = 0; k < whole; k += LANES) {
      long p = safe(w + 4L * k);
      FloatVector v = load(safe(x + 4L * k));
      a = v.fma(load(p), a);
      b = v.fma(load(p + stride), b);
      c = v.fma(load(p + 2 * stride), c);
      d = v.fma(load(p + 3 * stride), d);
    }
    store(scratch, a, b, c, d);
    dotFinish(out, x, w, stride, whole, length, scratch);
  }

  /** The same with two rows of x, which share the loads of the weights. */
  private static void dot4x2(
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
      long p = safe(w + 4L * k);
      long q = safe(x + 4L * k);
      FloatVector v = load(q);
      FloatVector u = load(q + other);
      FloatVector weights = load(p);
      a = v.fma(weights, a);
      e = u.fma(weights, e);
      weights = load(p + stride);
      b = v.fma(weights, b);
      f = u.fma(weights, f);
      weights = load(p + 2 * stride);
      c = v.fma(weights, c);
      g = u.fma(weights, g);
      weights = load(p + 3 * stride);
      d = v.fma(weights, d);
      h = u.fma(weights, h);
    }
    store(scratch, a, b, c, d);
    store(scratch + 4 * VECTOR_BYTES, e, f, g, h);
    dotFinish(out, x, w, stride, whole, length, scratch);
    dotFinish(out + outStride, x + other, w, stride, whole, length, scratch + 4 * VECTOR_BYTES);
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
  private static void dotFinish(
      long out, long x, long w, long stride, int from, int length, long scratch) {
    for (int i = 0; i < 4; i++) {
      float sum = LaneSum.of(load(safe(scratch + i * VECTOR_BYTES)));
      put(out + 4L * i, ScalarGemmKernel.dot(x, w + i * stride, from, length, sum));
    }
  }

  private static float dot(long x, long w, int length) {
    FloatVector sum = FloatVector.zero(SPECIES);
    int whole = SPECIES.loopBound(length);
    for (int k = 0; k < whole; k += LANES) {
      sum = load(safe(x + 4L * k)).fma(load(safe(w + 4L * k)), sum);
    }
    return ScalarGemmKernel.dot(x, w, whole, length, LaneSum.of(sum));
  }

  private static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(SPECIES, ALL, address, ORDER);
  }

  private static void put(long address, float value) {
    ALL.set(JAVA_FLOAT, safe(address), value);
  }
}
