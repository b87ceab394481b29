package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.ScalarRowKernel.get;
import static dev.culebra.backend.cpu.ScalarRowKernel.set;
import static dev.culebra.backend.cpu.VectorMemory.LANES;
import static dev.culebra.backend.cpu.VectorMemory.SPECIES;
import static dev.culebra.backend.cpu.VectorMemory.load;
import static dev.culebra.backend.cpu.VectorMemory.store;

import jdk.incubator.vector.FloatVector;

/**
 * The layernorm of {@link VectorRowKernel}, one row at a time. Lanes are added up in scratch
 * memory, in a fixed order as in {@link LaneSum}, whose shuffles would be too much code for C2
 * here.
 */
final class VectorLayerNorm {
  private VectorLayerNorm() {}

  /**
   * Mean and 1 / √(variance + ε). The second pass also corrects the mean of the first: Chan, Golub
   * and LeVeque, "Algorithms for computing the sample variance" (1983).
   */
  static void moments(long mean, long rstd, long in, float epsilon, int length, long scratch) {
    float centre = sum(in, length, scratch) / length;
    FloatVector sums = FloatVector.zero(SPECIES);
    FloatVector squares = FloatVector.zero(SPECIES);
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      FloatVector d = load(in, i).sub(centre);
      sums = sums.add(d);
      squares = d.fma(d, squares);
    }
    store(sums, scratch, 0);
    store(squares, scratch, LANES);
    float shift = sumOfLanes(scratch);
    float square = sumOfLanes(scratch + 4L * LANES);
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

  private static float sum(long in, int length, long scratch) {
    FloatVector sums = FloatVector.zero(SPECIES);
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      sums = sums.add(load(in, i));
    }
    store(sums, scratch, 0);
    float sum = sumOfLanes(scratch);
    for (; i < length; i++) {
      sum += get(in, i);
    }
    return sum;
  }

  /** Takes an address, since a vector argument would be boxed if this is not inlined. */
  private static float sumOfLanes(long scratch) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    for (int lane = 0; lane < LANES; lane += 4) {
      a += get(scratch, lane);
      b += get(scratch, lane + 1);
      c += get(scratch, lane + 2);
      d += get(scratch, lane + 3);
    }
    return (a + c) + (b + d);
  }

  static void normalise(
      long out, long in, float mean, float rstd, long weight, long bias, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      FloatVector scaled = load(in, i).sub(mean).mul(rstd);
      FloatVector w = load(weight, i);
      if (bias == 0) {
        store(scaled.mul(w), out, i);
      } else {
        store(scaled.fma(w, load(bias, i)), out, i);
      }
    }
    for (; i < length; i++) {
      float scaled = (get(in, i) - mean) * rstd;
      set(out, i, scaled * get(weight, i) + (bias == 0 ? 0 : get(bias, i)));
    }
  }

  /** See {@link RowKernel#layerNormBackward}. */
  static void backward(
      long dIn,
      long addend,
      long dWeight,
      long dBias,
      long dOut,
      long in,
      float mean,
      float rstd,
      long weight,
      boolean centred,
      int length,
      long scratch) {
    FloatVector means = FloatVector.broadcast(SPECIES, mean);
    FloatVector sums = FloatVector.zero(SPECIES);
    FloatVector products = FloatVector.zero(SPECIES);
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      FloatVector d = load(dOut, i).mul(load(weight, i));
      sums = sums.add(d);
      products = d.fma(load(in, i).sub(means), products);
    }
    store(sums, scratch, 0);
    store(products, scratch, LANES);
    float sum = sumOfLanes(scratch);
    float product = sumOfLanes(scratch + 4L * LANES);
    gradients(
        dIn, addend, dWeight, dBias, dOut, in, mean, rstd, weight, centred, sum, product, length);
  }

  /**
   * The second pass over a row, with the results of the first: {@code sum} and {@code product} are
   * Σ d and Σ d · (in − mean) over whole vectors. The method is intentionally too long (above 325
   * bytes) for C2 to inline: inside a caller, C2 would reach its size limit in the middle of it,
   * and box.
   */
  private static void gradients(
      long dIn,
      long addend,
      long dWeight,
      long dBias,
      long dOut,
      long in,
      float mean,
      float rstd,
      long weight,
      boolean centred,
      float sum,
      float product,
      int length) {
    int whole = SPECIES.loopBound(length);
    for (int i = whole; i < length; i++) {
      float d = get(dOut, i) * get(weight, i);
      sum += d;
      product += d * (get(in, i) - mean);
    }
    float meanOfD = centred ? sum / length : 0;
    float slope = product * rstd / length;
    FloatVector means = FloatVector.broadcast(SPECIES, mean);
    FloatVector rstds = FloatVector.broadcast(SPECIES, rstd);
    FloatVector meansOfD = FloatVector.broadcast(SPECIES, meanOfD);
    FloatVector slopes = FloatVector.broadcast(SPECIES, slope);
    for (int i = 0; i < whole; i += LANES) {
      FloatVector d = load(dOut, i);
      FloatVector n = load(in, i).sub(means).mul(rstds);
      store(d.fma(n, load(dWeight, i)), dWeight, i);
      store(d.add(load(dBias, i)), dBias, i);
      FloatVector g = d.mul(load(weight, i)).sub(meansOfD).sub(n.mul(slopes)).mul(rstds);
      store(g.add(load(addend, i)), dIn, i);
    }
    for (int i = whole; i < length; i++) {
      float d = get(dOut, i);
      float n = (get(in, i) - mean) * rstd;
      set(dWeight, i, get(dWeight, i) + d * n);
      set(dBias, i, get(dBias, i) + d);
      float g = (d * get(weight, i) - meanOfD - n * slope) * rstd;
      set(dIn, i, g + get(addend, i));
    }
  }
}
