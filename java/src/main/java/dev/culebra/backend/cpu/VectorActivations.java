package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.VectorMemory.LANES;
import static dev.culebra.backend.cpu.VectorMemory.SPECIES;
import static dev.culebra.backend.cpu.VectorMemory.load;
import static dev.culebra.backend.cpu.VectorMemory.rest;
import static dev.culebra.backend.cpu.VectorMemory.store;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** The activations of {@link VectorKernels}, one loop each: a loop over functions would box. */
final class VectorActivations {
  private VectorActivations() {}

  static void relu(long out, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(load(in, i).max(0), out, i);
    }
    if (i < length) {
      VectorMask<Float> lanes = rest(i, length);
      store(load(in, i, lanes).max(0), out, i, lanes);
    }
  }

  static void reluBackward(long dIn, long dOut, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(passed(load(dOut, i), load(in, i)), dIn, i);
    }
    if (i < length) {
      VectorMask<Float> lanes = rest(i, length);
      store(passed(load(dOut, i, lanes), load(in, i, lanes)), dIn, i, lanes);
    }
  }

  private static FloatVector passed(FloatVector d, FloatVector x) {
    return FloatVector.zero(SPECIES).blend(d, x.compare(VectorOperators.GT, 0));
  }

  static void geluTanh(long out, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(VectorMath.geluTanh(load(in, i)), out, i);
    }
    if (i < length) {
      VectorMask<Float> lanes = rest(i, length);
      store(VectorMath.geluTanh(load(in, i, lanes)), out, i, lanes);
    }
  }

  static void geluTanhBackward(long dIn, long dOut, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(VectorMath.geluTanhSlope(load(in, i)).mul(load(dOut, i)), dIn, i);
    }
    if (i < length) {
      VectorMask<Float> lanes = rest(i, length);
      FloatVector slope = VectorMath.geluTanhSlope(load(in, i, lanes));
      store(slope.mul(load(dOut, i, lanes)), dIn, i, lanes);
    }
  }

  static void geluErf(long out, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(VectorMath.geluErf(load(in, i)), out, i);
    }
    if (i < length) {
      VectorMask<Float> lanes = rest(i, length);
      store(VectorMath.geluErf(load(in, i, lanes)), out, i, lanes);
    }
  }

  static void geluErfBackward(long dIn, long dOut, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(VectorMath.geluErfSlope(load(in, i)).mul(load(dOut, i)), dIn, i);
    }
    if (i < length) {
      VectorMask<Float> lanes = rest(i, length);
      FloatVector slope = VectorMath.geluErfSlope(load(in, i, lanes));
      store(slope.mul(load(dOut, i, lanes)), dIn, i, lanes);
    }
  }
}
