package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.AttentionTiles.KEY_BYTES;
import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import dev.culebra.backend.DropoutSpec;
import dev.culebra.random.Philox;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link AttentionDropout} with the Vector API: {@link Philox} with a query in each lane. Its four
 * words belong to four consecutive keys, but not every query starts at key 0 of a group of four:
 * the words are first written to the rows of the factors, then each lane is moved up by its own 0
 * to 3 rows.
 */
final class VectorAttentionDropout implements AttentionDropout {
  private static final VectorSpecies<Integer> SPECIES = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();
  private static final IntVector LANE = IntVector.zero(SPECIES).addIndex(1);
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final long LOW_HALF = 0xFFFFFFFFL;

  // Philox4x32-10's multipliers, key increments and rounds.
  private static final int M0 = 0xD2511F53;
  private static final int M1 = 0xCD9E8D57;
  private static final int W0 = 0x9E3779B9;
  private static final int W1 = 0xBB67AE85;
  private static final int ROUNDS = 10;

  private int site;
  private int draw0;
  private int draw1;
  private int key0;
  private int key1;

  @Override
  public void factors(
      long factors,
      int queries,
      int keys,
      int diagonal,
      DropoutSpec dropout,
      long first,
      int step) {
    readState(dropout);
    for (int i = 0; i < queries; i += LANES) {
      long column = factors + 4L * i;
      long element = first + (long) i * step;
      int seen = Math.min(keys, diagonal + i + LANES);
      draw(column, element, step, seen + 3);
      toFactors(column, element, step, seen, dropout.p(), dropout.scale());
      for (int key = seen; key < keys; key++) {
        IntVector.zero(SPECIES).intoMemorySegment(ALL, safe(column + key * KEY_BYTES), ORDER);
      }
    }
  }

  private void readState(DropoutSpec dropout) {
    MemorySegment state = dropout.key().state().segment();
    site = dropout.key().site();
    key0 = state.getAtIndex(JAVA_INT, 0);
    key1 = state.getAtIndex(JAVA_INT, 1);
    draw0 = state.getAtIndex(JAVA_INT, 2);
    draw1 = state.getAtIndex(JAVA_INT, 3);
  }

  /**
   * Writes the words of the elements' counters and the following ones into at least {@code rows}
   * rows.
   *
   * <p>Written for C2, which boxes the vectors of a loop (20 times slower) if the loop starts with
   * a boxed vector or calls a method that is already compiled. So no vector is a parameter, there
   * are no helper methods, and this method is too long for C2 to inline.
   */
  private void draw(long column, long element, int step, int rows) {
    // Elements are counted from word 0 of the counter of lane 0.
    IntVector elements = LANE.mul(step).add((int) (element & 3));
    IntVector counters = elements.lanewise(LSHR, 2).add((int) (element >>> 2));
    for (int row = 0; row < rows; row += 4) {
      IntVector c0 = counters;
      IntVector c1 = IntVector.broadcast(SPECIES, site);
      IntVector c2 = IntVector.broadcast(SPECIES, draw0);
      IntVector c3 = IntVector.broadcast(SPECIES, draw1);
      int k0 = key0;
      int k1 = key1;
      for (int round = 0; round < ROUNDS; round++) {
        // Upper halves of the unsigned products, of the even and of the odd lanes.
        LongVector x = c0.reinterpretAsLongs();
        LongVector y = c2.reinterpretAsLongs();
        LongVector even0 = x.and(LOW_HALF).mul(M0 & LOW_HALF).lanewise(LSHR, 32);
        LongVector even1 = y.and(LOW_HALF).mul(M1 & LOW_HALF).lanewise(LSHR, 32);
        LongVector odd0 = x.lanewise(LSHR, 32).mul(M0 & LOW_HALF).and(~LOW_HALF);
        LongVector odd1 = y.lanewise(LSHR, 32).mul(M1 & LOW_HALF).and(~LOW_HALF);
        IntVector low0 = c0.mul(M0);
        IntVector low1 = c2.mul(M1);
        c0 = even1.or(odd1).reinterpretAsInts().lanewise(XOR, c1).lanewise(XOR, k0);
        c2 = even0.or(odd0).reinterpretAsInts().lanewise(XOR, c3).lanewise(XOR, k1);
        c1 = low1;
        c3 = low0;
        k0 += W0;
        k1 += W1;
      }
      long at = safe(column + row * KEY_BYTES);
      c0.intoMemorySegment(ALL, at, ORDER);
      c1.intoMemorySegment(ALL, at + KEY_BYTES, ORDER);
      c2.intoMemorySegment(ALL, at + 2 * KEY_BYTES, ORDER);
      c3.intoMemorySegment(ALL, at + 3 * KEY_BYTES, ORDER);
      counters = counters.add(1);
    }
  }

  /**
   * Each row becomes the factors of the words 0 to 3 rows below, depending on the lane's element.
   */
  private static void toFactors(
      long column, long element, int step, int keys, float p, float scale) {
    IntVector shift = LANE.mul(step).add((int) (element & 3)).and(3);
    VectorMask<Integer> one = shift.compare(VectorOperators.EQ, 1);
    VectorMask<Integer> two = shift.compare(VectorOperators.EQ, 2);
    VectorMask<Integer> three = shift.compare(VectorOperators.EQ, 3);
    for (int key = 0; key < keys; key++) {
      long at = safe(column + key * KEY_BYTES);
      IntVector word =
          IntVector.fromMemorySegment(SPECIES, ALL, at, ORDER)
              .blend(IntVector.fromMemorySegment(SPECIES, ALL, at + KEY_BYTES, ORDER), one)
              .blend(IntVector.fromMemorySegment(SPECIES, ALL, at + 2 * KEY_BYTES, ORDER), two)
              .blend(IntVector.fromMemorySegment(SPECIES, ALL, at + 3 * KEY_BYTES, ORDER), three);
      IntVector upper = word.lanewise(LSHR, 8);
      FloatVector uniform = ((FloatVector) upper.convert(VectorOperators.I2F, 0)).mul(0x1p-24f);
      FloatVector.broadcast(FLOATS, scale)
          .blend(0, uniform.compare(VectorOperators.LT, p))
          .intoMemorySegment(ALL, at, ORDER);
    }
  }
}
