package dev.culebra.backend.cpu;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Adds up the lanes of a vector in a fixed order, starting with lanes whose numbers differ in the
 * highest bit. {@code reduceLanes(ADD)} leaves the order open, and does give other bits once the
 * JIT compiler has replaced the interpreter, which would make training runs irreproducible.
 */
final class LaneSum {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;
  private static final VectorShuffle<Float> FLOAT_8 = partner(FLOATS, 8);
  private static final VectorShuffle<Float> FLOAT_4 = partner(FLOATS, 4);
  private static final VectorShuffle<Float> FLOAT_2 = partner(FLOATS, 2);
  private static final VectorShuffle<Float> FLOAT_1 = partner(FLOATS, 1);
  private static final VectorShuffle<Double> DOUBLE_4 = partner(DOUBLES, 4);
  private static final VectorShuffle<Double> DOUBLE_2 = partner(DOUBLES, 2);
  private static final VectorShuffle<Double> DOUBLE_1 = partner(DOUBLES, 1);

  private LaneSum() {}

  /** For each lane, the lane whose number differs in {@code bit}, or itself in shorter vectors. */
  private static <E> VectorShuffle<E> partner(VectorSpecies<E> species, int bit) {
    return VectorShuffle.fromOp(species, lane -> bit < species.length() ? lane ^ bit : lane);
  }

  /** Σ of the lanes of a {@link FloatVector#SPECIES_PREFERRED} vector. */
  static float of(FloatVector v) {
    if (FLOATS.length() > 8) {
      v = v.add(v.rearrange(FLOAT_8));
    }
    if (FLOATS.length() > 4) {
      v = v.add(v.rearrange(FLOAT_4));
    }
    if (FLOATS.length() > 2) {
      v = v.add(v.rearrange(FLOAT_2));
    }
    return v.add(v.rearrange(FLOAT_1)).lane(0);
  }

  /** Σ of the lanes of a {@link DoubleVector#SPECIES_PREFERRED} vector. */
  static double of(DoubleVector v) {
    if (DOUBLES.length() > 4) {
      v = v.add(v.rearrange(DOUBLE_4));
    }
    if (DOUBLES.length() > 2) {
      v = v.add(v.rearrange(DOUBLE_2));
    }
    return v.add(v.rearrange(DOUBLE_1)).lane(0);
  }
}
