package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.VectorMemory.LANES;
import static dev.culebra.backend.cpu.VectorMemory.store;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import dev.culebra.random.Philox;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorSpecies;

/** {@link Philox} for many counters at once, each in a 64-bit lane for the 64-bit products. */
final class VectorPhilox {
  /** Elements drawn together: four words per counter. */
  static final int GROUP = 2 * LANES;

  private static final VectorSpecies<Long> SPECIES = LongVector.SPECIES_PREFERRED;
  private static final LongVector LOW_HALF = LongVector.broadcast(SPECIES, 0xFFFFFFFFL);
  private static final LongVector M0 = LongVector.broadcast(SPECIES, 0xD2511F53L);
  private static final LongVector M1 = LongVector.broadcast(SPECIES, 0xCD9E8D57L);
  private static final LongVector COUNT = LongVector.zero(SPECIES).addIndex(1);
  private static final int W0 = 0x9E3779B9;
  private static final int W1 = 0xBB67AE85;
  private static final int ROUNDS = 10;

  // Lanes that interleave two vectors; the second vector's lanes are numbered after the first's.
  private static final LongVector LOW_LANES = interleave(0);
  private static final LongVector HIGH_LANES = interleave(SPECIES.length() / 2);

  private VectorPhilox() {}

  private static LongVector interleave(int first) {
    long[] lanes = new long[SPECIES.length()];
    for (int i = 0; i < lanes.length; i++) {
      lanes[i] = first + i / 2 + (i % 2) * SPECIES.length();
    }
    return LongVector.fromArray(SPECIES, lanes, 0);
  }

  /** Writes the uniform numbers of {@link #GROUP} elements, the first being 4 · counter. */
  static void uniforms(long out, int counter, Draws draws) {
    LongVector c0 = COUNT.add(counter).and(LOW_HALF);
    LongVector c1 = LongVector.broadcast(SPECIES, draws.site & 0xFFFFFFFFL);
    LongVector c2 = LongVector.broadcast(SPECIES, draws.drawLow & 0xFFFFFFFFL);
    LongVector c3 = LongVector.broadcast(SPECIES, draws.drawHigh & 0xFFFFFFFFL);
    int k0 = draws.keyLow;
    int k1 = draws.keyHigh;
    for (int round = 0; round < ROUNDS; round++) {
      LongVector p0 = c0.mul(M0);
      LongVector p1 = c2.mul(M1);
      c0 = upperHalf(p1).lanewise(XOR, c1).lanewise(XOR, k0 & 0xFFFFFFFFL);
      c2 = upperHalf(p0).lanewise(XOR, c3).lanewise(XOR, k1 & 0xFFFFFFFFL);
      c1 = p1.and(LOW_HALF);
      c3 = p0.and(LOW_HALF);
      k0 += W0;
      k1 += W1;
    }
    LongVector low = pair(c0, c1);
    LongVector high = pair(c2, c3);
    store(uniform(LOW_LANES.selectFrom(low, high)), out, 0);
    store(uniform(HIGH_LANES.selectFrom(low, high)), out, LANES);
  }

  private static LongVector upperHalf(LongVector product) {
    return product.lanewise(LSHR, 32);
  }

  /** Two words to a lane, the first in the lower half. */
  private static LongVector pair(LongVector first, LongVector second) {
    return second.lanewise(LSHL, 32).lanewise(XOR, first);
  }

  /** The upper 24 bits of each word, as {@link Philox#uniform}. */
  private static FloatVector uniform(LongVector words) {
    IntVector upper = words.reinterpretAsInts().lanewise(LSHR, 8);
    return ((FloatVector) upper.convert(I2F, 0)).mul(0x1p-24f);
  }
}
