package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static dev.culebra.backend.cpu.VectorMemory.LANES;
import static dev.culebra.backend.cpu.VectorMemory.SPECIES;
import static dev.culebra.backend.cpu.VectorMemory.load;
import static dev.culebra.backend.cpu.VectorMemory.rest;
import static dev.culebra.backend.cpu.VectorMemory.store;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.culebra.backend.Activation;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Kernels} with the Vector API. Whole vectors first, then the rest under a mask; a number's
 * result does not depend on which of the two it is in.
 */
final class VectorKernels implements Kernels {
  private static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;

  /** As many floats as {@link #DOUBLES} has lanes. */
  private static final VectorSpecies<Float> HALF =
      SPECIES.withShape(VectorShape.forBitSize(DOUBLES.vectorBitSize() / 2));

  @Override
  public int vectorBits() {
    return SPECIES.vectorBitSize();
  }

  @Override
  public void fill(long out, float value, int length) {
    FloatVector values = FloatVector.broadcast(SPECIES, value);
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(values, out, i);
    }
    if (i < length) {
      store(values, out, i, rest(i, length));
    }
  }

  @Override
  public void add(long out, long a, long b, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(load(a, i).add(load(b, i)), out, i);
    }
    if (i < length) {
      VectorMask<Float> lanes = rest(i, length);
      store(load(a, i, lanes).add(load(b, i, lanes)), out, i, lanes);
    }
  }

  @Override
  public void activationForward(long out, long in, int length, Activation activation) {
    switch (activation) {
      case IDENTITY -> MemorySegment.copy(ALL, in, ALL, out, 4L * length);
      case RELU -> VectorActivations.relu(out, in, length);
      case GELU_TANH -> VectorActivations.geluTanh(out, in, length);
      case GELU_ERF -> VectorActivations.geluErf(out, in, length);
    }
  }

  @Override
  public void activationBackward(long dIn, long dOut, long in, int length, Activation activation) {
    switch (activation) {
      case IDENTITY -> MemorySegment.copy(ALL, dOut, ALL, dIn, 4L * length);
      case RELU -> VectorActivations.reluBackward(dIn, dOut, in, length);
      case GELU_TANH -> VectorActivations.geluTanhBackward(dIn, dOut, in, length);
      case GELU_ERF -> VectorActivations.geluErfBackward(dIn, dOut, in, length);
    }
  }

  @Override
  public float max(long in, int length) {
    FloatVector max = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      max = max.max(load(in, i));
    }
    if (i < length) {
      VectorMask<Float> lanes = rest(i, length);
      max = max.blend(max.max(load(in, i, lanes)), lanes);
    }
    return max.reduceLanes(VectorOperators.MAX);
  }

  @Override
  public float sumExp(long in, float shift, int length) {
    FloatVector even = FloatVector.zero(SPECIES);
    FloatVector odd = FloatVector.zero(SPECIES);
    int i = 0;
    for (; i + 2 * LANES <= length; i += 2 * LANES) {
      even = even.add(VectorMath.expNonPositive(load(in, i).sub(shift)));
      odd = odd.add(VectorMath.expNonPositive(load(in, i + LANES).sub(shift)));
    }
    for (; i < length; i += LANES) {
      VectorMask<Float> lanes = rest(i, length);
      FloatVector e = VectorMath.expNonPositive(load(in, i, lanes).sub(shift));
      even = even.add(FloatVector.zero(SPECIES).blend(e, lanes));
    }
    return even.add(odd).reduceLanes(VectorOperators.ADD);
  }

  @Override
  public void exp(long out, long in, float shift, float slope, float factor, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      FloatVector x = load(in, i).sub(shift).mul(slope);
      store(VectorMath.expNonPositive(x).mul(factor), out, i);
    }
    if (i < length) {
      VectorMask<Float> lanes = rest(i, length);
      FloatVector x = load(in, i, lanes).sub(shift).mul(slope);
      store(VectorMath.expNonPositive(x).mul(factor), out, i, lanes);
    }
  }

  @Override
  public double sumOfSquares(long in, int length) {
    DoubleVector even = DoubleVector.zero(DOUBLES);
    DoubleVector odd = DoubleVector.zero(DOUBLES);
    int step = HALF.length();
    int i = 0;
    for (; i + 2 * step <= length; i += 2 * step) {
      DoubleVector x = loadDoubles(in, i);
      DoubleVector y = loadDoubles(in, i + step);
      even = x.fma(x, even);
      odd = y.fma(y, odd);
    }
    double sum = even.add(odd).reduceLanes(VectorOperators.ADD);
    for (; i < length; i++) {
      double x = ALL.get(JAVA_FLOAT, safe(in + 4L * i));
      sum += x * x;
    }
    return sum;
  }

  private static DoubleVector loadDoubles(long base, int i) {
    ByteOrder order = ByteOrder.nativeOrder();
    FloatVector floats = FloatVector.fromMemorySegment(HALF, ALL, safe(base + 4L * i), order);
    return (DoubleVector) floats.convertShape(VectorOperators.F2D, DOUBLES, 0);
  }

  @Override
  public void moments(long mean, long rstd, long in, float epsilon, int length) {
    VectorLayerNorm.moments(mean, rstd, in, epsilon, length);
  }

  @Override
  public void normalise(
      long out, long in, float mean, float rstd, long weight, long bias, int length) {
    VectorLayerNorm.normalise(out, in, mean, rstd, weight, bias, length);
  }

  @Override
  public void layerNormBackward(
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
    VectorLayerNorm.backward(dIn, adds, dWeight, dBias, dOut, in, mean, rstd, weight, length);
  }

  @Override
  public void adamW(
      long values,
      long gradients,
      long firstMoment,
      long secondMoment,
      int length,
      float clip,
      float beta1,
      float beta2,
      float keep,
      float rate,
      float rootScale,
      float epsilon) {
    FloatVector clips = FloatVector.broadcast(SPECIES, clip);
    FloatVector epsilons = FloatVector.broadcast(SPECIES, epsilon);
    FloatVector rootScales = FloatVector.broadcast(SPECIES, rootScale);
    for (int i = 0; i < length; i += LANES) {
      VectorMask<Float> lanes = rest(i, length);
      FloatVector g = load(gradients, i, lanes).mul(clips);
      FloatVector m = load(firstMoment, i, lanes).mul(beta1).add(g.mul(1 - beta1));
      FloatVector v = load(secondMoment, i, lanes).mul(beta2).add(g.mul(1 - beta2).mul(g));
      store(m, firstMoment, i, lanes);
      store(v, secondMoment, i, lanes);
      FloatVector root = v.lanewise(VectorOperators.SQRT).fma(rootScales, epsilons);
      FloatVector p = load(values, i, lanes).mul(keep).sub(m.mul(rate).div(root));
      store(p, values, i, lanes);
    }
  }
}
