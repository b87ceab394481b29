package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.ScalarKernels.get;
import static dev.culebra.backend.cpu.ScalarKernels.set;
import static dev.culebra.backend.cpu.VectorMemory.LANES;
import static dev.culebra.backend.cpu.VectorMemory.SPECIES;
import static dev.culebra.backend.cpu.VectorMemory.load;
import static dev.culebra.backend.cpu.VectorMemory.store;

import jdk.incubator.vector.FloatVector;

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
    float shift = LaneSum.of(sums);
    float square = LaneSum.of(squares);
    for (; i < length; i++) {
      float d = get(in, i) - centre;
      shift += d;
      square += d * d;
    }
    double correction = (double) shift / length;
    double variance = Math.max((double) square / length - correction * correction, 0);
    set(mean, 0, (float) (centre + correction));
    set(rstd, 0, (float) (1 / Math.sqrt(variance + epsilon)));
  }

  private static float sum(long in, int length) {
    FloatVector sums = FloatVector.zero(SPECIES);
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      sums = sums.add(load(in, i));
    }
    float sum = LaneSum.of(sums);
    for (; i < length; i++) {
      sum += get(in, i);
    }
    return sum;
  }

  static void normalise(
      long out, long in, float mean, float rstd, long weight, long bias, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      FloatVector scaled = load(in, i).sub(mean).mul(rstd);
      FloatVector w = load(weight, i);
      store(bias == 0 ? scaled.mul(w) : scaled.fma(w, load(bias, i)), out, i);
    }
    for (; i < length; i++) {
      float scaled = (get(in, i) - mean) * rstd;
      set(out, i, scaled * get(weight, i) + (bias == 0 ? 0 : get(bias, i)));
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
    float sum = LaneSum.of(sums);
    float product = LaneSum.of(products);
    for (; i < length; i++) {
      float d = get(dOut, i) * get(weight, i);
      sum += d;
      product += d * (get(in, i) - mean);
    }
    float meanOfD = sum / length;
    float slope = product * rstd / length;
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
    for (; i < length; i++) {
      float d = get(dOut, i);
      set(dWeight, i, get(dWeight, i) + d * ((get(in, i) - mean) * rstd));
      set(dBias, i, get(dBias, i) + d);
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
    for (; i < length; i++) {
      float n = (get(in, i) - mean) * rstd;
      float g = (get(dOut, i) * get(weight, i) - meanOfD - n * slope) * rstd;
      set(dIn, i, addend == 0 ? g : g + get(addend, i));
    }
  }
}
