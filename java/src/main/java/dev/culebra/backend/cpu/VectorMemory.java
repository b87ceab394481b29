package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Loads and stores of whole vectors, and of the first lanes of one, at absolute addresses. */
final class VectorMemory {
  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  static final int LANES = SPECIES.length();
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  private VectorMemory() {}

  /** The floats from number {@code i} on. */
  static FloatVector load(long base, int i) {
    return FloatVector.fromMemorySegment(SPECIES, ALL, safe(base + 4L * i), ORDER);
  }

  static void store(FloatVector value, long base, int i) {
    value.intoMemorySegment(ALL, safe(base + 4L * i), ORDER);
  }

  /** The lanes of the last, incomplete vector of {@code length} floats, which starts at i. */
  static VectorMask<Float> rest(int i, int length) {
    return SPECIES.indexInRange(i, length);
  }

  /** The floats from number {@code i} on in the lanes of the mask, 0 in the others. */
  static FloatVector load(long base, int i, VectorMask<Float> lanes) {
    return FloatVector.fromMemorySegment(SPECIES, ALL, safe(base + 4L * i), ORDER, lanes);
  }

  static void store(FloatVector value, long base, int i, VectorMask<Float> lanes) {
    value.intoMemorySegment(ALL, safe(base + 4L * i), ORDER, lanes);
  }
}
