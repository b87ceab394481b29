package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.VectorMemory.LANES;
import static dev.culebra.backend.cpu.VectorMemory.SPECIES;
import static dev.culebra.backend.cpu.VectorMemory.load;
import static dev.culebra.backend.cpu.VectorMemory.store;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The activations of {@link VectorRowKernel}, each with its own loop: a loop that takes the
 * function as a parameter would box vectors. Each returns the number of floats done: all except an
 * incomplete last vector.
 */
final class VectorActivations {
  private VectorActivations() {}

  static int relu(long out, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(load(in, i).max(0), out, i);
    }
    return i;
  }

  static int reluBackward(long dIn, long dOut, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(passed(load(dOut, i), load(in, i)), dIn, i);
    }
    return i;
  }

  private static FloatVector passed(FloatVector d, FloatVector x) {
    return FloatVector.zero(SPECIES).blend(d, x.compare(VectorOperators.GT, 0));
  }

  static int geluTanh(long out, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(VectorMath.geluTanh(load(in, i)), out, i);
    }
    return i;
  }

  static int geluTanhBackward(long dIn, long dOut, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(VectorMath.geluTanhSlope(load(in, i)).mul(load(dOut, i)), dIn, i);
    }
    return i;
  }

  static int geluErf(long out, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(VectorMath.geluErf(load(in, i)), out, i);
    }
    return i;
  }

  static int geluErfBackward(long dIn, long dOut, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(VectorMath.geluErfSlope(load(in, i)).mul(load(dOut, i)), dIn, i);
    }
    return i;
  }

  static int reluSquared(long out, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      FloatVector x = load(in, i).max(0);
      store(x.mul(x), out, i);
    }
    return i;
  }

  static int reluSquaredBackward(long dIn, long dOut, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(load(dOut, i).mul(load(in, i).max(0).mul(2)), dIn, i);
    }
    return i;
  }

  static int silu(long out, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(VectorMath.silu(load(in, i)), out, i);
    }
    return i;
  }

  static int siluBackward(long dIn, long dOut, long in, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(VectorMath.siluSlope(load(in, i)).mul(load(dOut, i)), dIn, i);
    }
    return i;
  }
}
