package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static dev.culebra.backend.cpu.VectorMemory.LANES;
import static dev.culebra.backend.cpu.VectorMemory.SPECIES;
import static dev.culebra.backend.cpu.VectorMemory.load;
import static dev.culebra.backend.cpu.VectorMemory.rest;
import static dev.culebra.backend.cpu.VectorMemory.store;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** The layernorm of {@link VectorKernels}, a row at a time. */
final class VectorLayerNorm {
  private VectorLayerNorm() {}

  /**
   * Mean and 1 / √(variance + ε). The second pass corrects the mean of the first, too: Chan, Golub
   * and LeVeque, "Algorithms for computing the sample variance" (1983).
   */
  static void moments(long mean, long rstd, long in, float epsilon, int length) {
    float centre = sum(in, length) / length;
    FloatVector sums = FloatVector.zero(SPECIES);
    FloatVector squares = FloatVector.zero(SPECIES);
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      FloatVector d = load(in, i).sub(centre);
      sums = sums.add(d);
      squares = d.fma(d, squares);
    }
    if (i < length) {
      VectorMask<Float> lanes = rest(i, length);
      FloatVector d = FloatVector.zero(SPECIES).blend(load(in, i, lanes).sub(centre), lanes);
      sums = sums.add(d);
      squares = d.fma(d, squares);
    }
    double shift = (double) sums.reduceLanes(VectorOperators.ADD) / length;
    double square = (double) squares.reduceLanes(VectorOperators.ADD) / length;
    double variance = Math.max(square - shift * shift, 0);
    ALL.set(JAVA_FLOAT, safe(mean), (float) (centre + shift));
    ALL.set(JAVA_FLOAT, safe(rstd), (float) (1 / Math.sqrt(variance + epsilon)));
  }

  private static float sum(long in, int length) {
    FloatVector even = FloatVector.zero(SPECIES);
    FloatVector odd = FloatVector.zero(SPECIES);
    int whole = SPECIES.loopBound(length);
    int i = 0;
    for (; i + 2 * LANES <= whole; i += 2 * LANES) {
      even = even.add(load(in, i));
      odd = odd.add(load(in, i + LANES));
    }
    if (i < whole) {
      even = even.add(load(in, i));
      i += LANES;
    }
    if (i < length) {
      odd = odd.add(load(in, i, rest(i, length)));
    }
    return even.add(odd).reduceLanes(VectorOperators.ADD);
  }

  static void normalise(
      long out, long in, float mean, float rstd, long weight, long bias, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      FloatVector scaled = load(in, i).sub(mean).mul(rstd);
      FloatVector w = load(weight, i);
      store(bias == 0 ? scaled.mul(w) : scaled.fma(w, load(bias, i)), out, i);
    }
    if (i < length) {
      VectorMask<Float> lanes = rest(i, length);
      FloatVector scaled = load(in, i, lanes).sub(mean).mul(rstd);
      FloatVector w = load(weight, i, lanes);
      FloatVector y = bias == 0 ? scaled.mul(w) : scaled.fma(w, load(bias, i, lanes));
      store(y, out, i, lanes);
    }
  }

  /** See {@link Kernels#layerNormBackward}. */
  static void backward(
      long dIn,
      boolean adds,
      long dWeight,
      long dBias,
      long dOut,
      long in,
      float mean,
      float rstd,
      long weight,
      int length) {
    FloatVector sums = FloatVector.zero(SPECIES);
    FloatVector products = FloatVector.zero(SPECIES);
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      FloatVector d = load(dOut, i).mul(load(weight, i));
      sums = sums.add(d);
      products = d.fma(load(in, i).sub(mean), products);
    }
    if (i < length) {
      VectorMask<Float> lanes = rest(i, length);
      FloatVector d = load(dOut, i, lanes).mul(load(weight, i, lanes));
      sums = sums.add(d);
      products = d.fma(load(in, i, lanes).sub(mean), products);
    }
    float meanOfD = sums.reduceLanes(VectorOperators.ADD) / length;
    float slope = products.reduceLanes(VectorOperators.ADD) * rstd / length;
    addParameters(dWeight, dBias, dOut, in, mean, rstd, length);
    long addend = adds ? dIn : 0;
    gradient(dIn, addend, dOut, in, mean, rstd, weight, meanOfD, slope, length);
  }

  private static void addParameters(
      long dWeight, long dBias, long dOut, long in, float mean, float rstd, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      FloatVector d = load(dOut, i);
      FloatVector normalised = load(in, i).sub(mean).mul(rstd);
      store(d.fma(normalised, load(dWeight, i)), dWeight, i);
      store(d.add(load(dBias, i)), dBias, i);
    }
    if (i < length) {
      VectorMask<Float> lanes = rest(i, length);
      FloatVector d = load(dOut, i, lanes);
      FloatVector normalised = load(in, i, lanes).sub(mean).mul(rstd);
      store(d.fma(normalised, load(dWeight, i, lanes)), dWeight, i, lanes);
      store(d.add(load(dBias, i, lanes)), dBias, i, lanes);
    }
  }

  /** dIn = addend + rstd · (dOut · weight − meanOfD − n · slope); an addend of 0 is none. */
  private static void gradient(
      long dIn,
      long addend,
      long dOut,
      long in,
      float mean,
      float rstd,
      long weight,
      float meanOfD,
      float slope,
      int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      FloatVector d = load(dOut, i).mul(load(weight, i)).sub(meanOfD);
      FloatVector n = load(in, i).sub(mean).mul(rstd);
      FloatVector g = d.sub(n.mul(slope)).mul(rstd);
      store(addend == 0 ? g : g.add(load(addend, i)), dIn, i);
    }
    if (i < length) {
      VectorMask<Float> lanes = rest(i, length);
      FloatVector d = load(dOut, i, lanes).mul(load(weight, i, lanes)).sub(meanOfD);
      FloatVector n = load(in, i, lanes).sub(mean).mul(rstd);
      FloatVector g = d.sub(n.mul(slope)).mul(rstd);
      store(addend == 0 ? g : g.add(load(addend, i, lanes)), dIn, i, lanes);
    }
  }
}
