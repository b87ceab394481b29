package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;

import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Transposes blocks of 16 × 16 numbers of 32 bits, for vectors of 16 lanes. A block is 4 × 4
 * squares of 4 × 4 numbers. Transposing it takes two passes over four vectors at a time: the first
 * transposes within each square, the second transposes the squares.
 */
final class VectorTranspose {
  /** Rows and columns of a block. */
  static final int SIDE = 16;

  /** Bytes of scratch memory for a block. */
  static final int SCRATCH = 4 * SIDE * SIDE;

  private static final VectorSpecies<Integer> SPECIES = IntVector.SPECIES_512;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final long VECTOR_BYTES = 4L * SIDE;

  // Lanes that interleave two vectors x (0 … 15) and y (16 … 31): within each square, by one number
  // and by two; and by one square and by two.
  private static final int[] ONE_LOW = interleave(4, 1, 0);
  private static final int[] ONE_HIGH = interleave(4, 1, 2);
  private static final int[] TWO_LOW = interleave(4, 2, 0);
  private static final int[] TWO_HIGH = interleave(4, 2, 2);
  private static final int[] SQUARE_LOW = interleave(16, 4, 0);
  private static final int[] SQUARE_HIGH = interleave(16, 4, 8);
  private static final int[] SQUARES_LOW = interleave(16, 8, 0);
  private static final int[] SQUARES_HIGH = interleave(16, 8, 8);

  private VectorTranspose() {}

  /**
   * In each stretch of {@code length} lanes: runs of {@code run} numbers in turn from x and y, half
   * a stretch in all from each, beginning with number {@code first}.
   */
  private static int[] interleave(int length, int run, int first) {
    int[] lanes = new int[SIDE];
    for (int i = 0; i < SIDE; i++) {
      int within = i % length;
      int fromY = within / run % 2;
      int number = within / (2 * run) * run + within % run;
      lanes[i] = i - within + first + number + fromY * SIDE;
    }
    return lanes;
  }

  /**
   * dst[k][i] = src[i][k] for k and i below 16. If src has fewer than 16 rows, its last row
   * replaces the missing ones.
   *
   * @param width numbers to write in each row of dst, at most 16
   * @param rows of src, at least 1
   * @param scratch {@link #SCRATCH} bytes
   */
  static void block(
      long dst, long dstStride, int width, long src, long srcStride, int rows, long scratch) {
    for (int i = 0; i < width; i += 4) {
      long row = src + Math.min(i, rows - 1) * srcStride;
      int left = Math.max(1, rows - i);
      squares(scratch + i * VECTOR_BYTES / 4, row, srcStride, Math.min(4, left));
    }
    for (int j = 0; j < 4; j++) {
      rows(dst + j * dstStride, 4 * dstStride, width, scratch + 4 * j * VECTOR_BYTES);
    }
  }

  /** Transposes within the squares of four rows; vector j gets the columns j of the squares. */
  private static void squares(long dst, long src, long stride, int rows) {
    long p0 = safe(src);
    long p1 = safe(src + Math.min(1, rows - 1) * stride);
    long p2 = safe(src + Math.min(2, rows - 1) * stride);
    long p3 = safe(src + Math.min(3, rows - 1) * stride);
    long to = safe(dst);
    IntVector r0 = IntVector.fromMemorySegment(SPECIES, ALL, p0, ORDER);
    IntVector r1 = IntVector.fromMemorySegment(SPECIES, ALL, p1, ORDER);
    IntVector r2 = IntVector.fromMemorySegment(SPECIES, ALL, p2, ORDER);
    IntVector r3 = IntVector.fromMemorySegment(SPECIES, ALL, p3, ORDER);
    IntVector low = IntVector.fromArray(SPECIES, ONE_LOW, 0);
    IntVector high = IntVector.fromArray(SPECIES, ONE_HIGH, 0);
    IntVector t0 = low.selectFrom(r0, r1);
    IntVector t1 = high.selectFrom(r0, r1);
    IntVector t2 = low.selectFrom(r2, r3);
    IntVector t3 = high.selectFrom(r2, r3);
    low = IntVector.fromArray(SPECIES, TWO_LOW, 0);
    high = IntVector.fromArray(SPECIES, TWO_HIGH, 0);
    low.selectFrom(t0, t2).intoMemorySegment(ALL, to, ORDER);
    high.selectFrom(t0, t2).intoMemorySegment(ALL, to + 4 * VECTOR_BYTES, ORDER);
    low.selectFrom(t1, t3).intoMemorySegment(ALL, to + 8 * VECTOR_BYTES, ORDER);
    high.selectFrom(t1, t3).intoMemorySegment(ALL, to + 12 * VECTOR_BYTES, ORDER);
  }

  /** Transposes the squares as a whole: four vectors of columns j give rows j, 4 + j … */
  private static void rows(long dst, long stride, int width, long src) {
    VectorMask<Integer> lanes = SPECIES.indexInRange(0, width);
    long from = safe(src);
    IntVector r0 = IntVector.fromMemorySegment(SPECIES, ALL, from, ORDER);
    IntVector r1 = IntVector.fromMemorySegment(SPECIES, ALL, from + VECTOR_BYTES, ORDER);
    IntVector r2 = IntVector.fromMemorySegment(SPECIES, ALL, from + 2 * VECTOR_BYTES, ORDER);
    IntVector r3 = IntVector.fromMemorySegment(SPECIES, ALL, from + 3 * VECTOR_BYTES, ORDER);
    IntVector low = IntVector.fromArray(SPECIES, SQUARE_LOW, 0);
    IntVector high = IntVector.fromArray(SPECIES, SQUARE_HIGH, 0);
    IntVector t0 = low.selectFrom(r0, r1);
    IntVector t1 = high.selectFrom(r0, r1);
    IntVector t2 = low.selectFrom(r2, r3);
    IntVector t3 = high.selectFrom(r2, r3);
    low = IntVector.fromArray(SPECIES, SQUARES_LOW, 0);
    high = IntVector.fromArray(SPECIES, SQUARES_HIGH, 0);
    low.selectFrom(t0, t2).intoMemorySegment(ALL, safe(dst), ORDER, lanes);
    high.selectFrom(t0, t2).intoMemorySegment(ALL, safe(dst + stride), ORDER, lanes);
    low.selectFrom(t1, t3).intoMemorySegment(ALL, safe(dst + 2 * stride), ORDER, lanes);
    high.selectFrom(t1, t3).intoMemorySegment(ALL, safe(dst + 3 * stride), ORDER, lanes);
  }
}
