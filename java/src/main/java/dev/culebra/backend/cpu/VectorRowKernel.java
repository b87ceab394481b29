package dev.culebra.backend.cpu;

import static dev.culebra.backend.cpu.RawMemory.ALL;
import static dev.culebra.backend.cpu.RawMemory.safe;
import static dev.culebra.backend.cpu.VectorMemory.LANES;
import static dev.culebra.backend.cpu.VectorMemory.SPECIES;
import static dev.culebra.backend.cpu.VectorMemory.load;
import static dev.culebra.backend.cpu.VectorMemory.store;

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
 * {@link RowKernel} with the Vector API: whole vectors first, then the rest as plain loops.
 *
 * <p>C2 stops inlining once a method has about fifty vector operations, and boxes the vectors from
 * there on. So each loop has its body only once (a masked rest would be a second copy), and heavy
 * functions have their own loops.
 */
final class VectorRowKernel implements RowKernel {
  private static final ScalarRowKernel REST = new ScalarRowKernel();
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
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(FloatVector.broadcast(SPECIES, value), out, i);
    }
    REST.fill(out + 4L * i, value, length - i);
  }

  @Override
  public void add(long out, long a, long b, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(load(a, i).add(load(b, i)), out, i);
    }
    REST.add(out + 4L * i, a + 4L * i, b + 4L * i, length - i);
  }

  @Override
  public void activationForward(long out, long in, int length, Activation activation) {
    int done =
        switch (activation) {
          case IDENTITY -> copy(out, in, length);
          case RELU -> VectorActivations.relu(out, in, length);
          case GELU_TANH -> VectorActivations.geluTanh(out, in, length);
          case GELU_ERF -> VectorActivations.geluErf(out, in, length);
          case RELU_SQUARED -> VectorActivations.reluSquared(out, in, length);
          case SILU -> VectorActivations.silu(out, in, length);
        };
    if (done < length) {
      REST.activationForward(out + 4L * done, in + 4L * done, length - done, activation);
    }
  }

  @Override
  public void activationBackward(long dIn, long dOut, long in, int length, Activation activation) {
    int done =
        switch (activation) {
          case IDENTITY -> copy(dIn, dOut, length);
          case RELU -> VectorActivations.reluBackward(dIn, dOut, in, length);
          case GELU_TANH -> VectorActivations.geluTanhBackward(dIn, dOut, in, length);
          case GELU_ERF -> VectorActivations.geluErfBackward(dIn, dOut, in, length);
          case RELU_SQUARED -> VectorActivations.reluSquaredBackward(dIn, dOut, in, length);
          case SILU -> VectorActivations.siluBackward(dIn, dOut, in, length);
        };
    if (done < length) {
      long at = 4L * done;
      REST.activationBackward(dIn + at, dOut + at, in + at, length - done, activation);
    }
  }

  private static int copy(long out, long in, int length) {
    MemorySegment.copy(ALL, in, ALL, out, 4L * length);
    return length;
  }

  @Override
  public float max(long in, int length) {
    FloatVector max = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      max = max.max(load(in, i));
    }
    return Math.max(max.reduceLanes(VectorOperators.MAX), REST.max(in + 4L * i, length - i));
  }

  @Override
  public float exp(long out, long in, float shift, float slope, int length) {
    FloatVector sum = FloatVector.zero(SPECIES);
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      FloatVector e = VectorMath.expNonPositive(load(in, i).sub(shift).mul(slope));
      store(e, out, i);
      sum = sum.add(e);
    }
    float rest = REST.exp(out + 4L * i, in + 4L * i, shift, slope, length - i);
    return LaneSum.of(sum) + rest;
  }

  /**
   * Calls the JDK's loads and stores directly: C2 always inlines those. In a method as large as a
   * softmax with this loop, it would stop inlining our own, and box vectors.
   */
  @Override
  public void multiply(long out, long in, float factor, int length) {
    ByteOrder order = ByteOrder.nativeOrder();
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, safe(in + 4L * i), order)
          .mul(factor)
          .intoMemorySegment(ALL, safe(out + 4L * i), order);
    }
    REST.multiply(out + 4L * i, in + 4L * i, factor, length - i);
  }

  @Override
  public void product(long out, long a, long b, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(load(a, i).mul(load(b, i)), out, i);
    }
    REST.product(out + 4L * i, a + 4L * i, b + 4L * i, length - i);
  }

  @Override
  public void combine(long out, long a, float factorA, long b, float factorB, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(load(a, i).mul(factorA).add(load(b, i).mul(factorB)), out, i);
    }
    REST.combine(out + 4L * i, a + 4L * i, factorA, b + 4L * i, factorB, length - i);
  }

  @Override
  public void rotate(long out, long in, long cos, long sin, float direction, int half) {
    int i = 0;
    for (int whole = SPECIES.loopBound(half); i < whole; i += LANES) {
      FloatVector x = load(in, i);
      FloatVector y = load(in, half + i);
      FloatVector c = load(cos, i);
      FloatVector s = load(sin, i).mul(direction);
      store(x.mul(c).sub(y.mul(s)), out, i);
      store(y.mul(c).add(x.mul(s)), out, half + i);
    }
    ScalarRowKernel.rotate(out, in, cos, sin, direction, half, i);
  }

  @Override
  public void softcap(long out, long in, float cap, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(VectorMath.tanhOfHalf(load(in, i).mul(2 / cap)).mul(cap), out, i);
    }
    REST.softcap(out + 4L * i, in + 4L * i, cap, length - i);
  }

  @Override
  public void softcapBackward(long dIn, long dOut, long in, float cap, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      store(VectorMath.tanhOfHalfSlope(load(in, i).mul(2 / cap)).mul(load(dOut, i)), dIn, i);
    }
    REST.softcapBackward(dIn + 4L * i, dOut + 4L * i, in + 4L * i, cap, length - i);
  }

  @Override
  public void uniforms(long out, long firstElement, int length, Draws draws, int[] words) {
    int i = Math.min(length, (int) (-firstElement & 3)); // up to a whole counter
    REST.uniforms(out, firstElement, i, draws, words);
    for (; i + VectorPhilox.GROUP <= length; i += VectorPhilox.GROUP) {
      VectorPhilox.uniforms(out + 4L * i, (int) ((firstElement + i) / 4), draws);
    }
    REST.uniforms(out + 4L * i, firstElement + i, length - i, draws, words);
  }

  @Override
  public void drop(long out, long in, long draws, float p, float scale, int length) {
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      VectorMask<Float> dropped = load(draws, i).compare(VectorOperators.LT, p);
      store(load(in, i).mul(scale).blend(0, dropped), out, i);
    }
    long at = 4L * i;
    REST.drop(out + at, in + at, draws + at, p, scale, length - i);
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
    double sum = LaneSum.of(even.add(odd));
    return sum + REST.sumOfSquares(in + 4L * i, length - i);
  }

  private static DoubleVector loadDoubles(long base, int i) {
    ByteOrder order = ByteOrder.nativeOrder();
    FloatVector floats = FloatVector.fromMemorySegment(HALF, ALL, safe(base + 4L * i), order);
    return (DoubleVector) floats.convertShape(VectorOperators.F2D, DOUBLES, 0);
  }

  @Override
  public void moments(long mean, long rstd, long in, float epsilon, int length, long scratch) {
    VectorLayerNorm.moments(mean, rstd, in, epsilon, length, scratch);
  }

  @Override
  public void normalise(
      long out, long in, float mean, float rstd, long weight, long bias, int length) {
    VectorLayerNorm.normalise(out, in, mean, rstd, weight, bias, length);
  }

  @Override
  public void layerNormBackward(
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
    VectorLayerNorm.backward(
        dIn, addend, dWeight, dBias, dOut, in, mean, rstd, weight, centred, length, scratch);
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
    FloatVector epsilons = FloatVector.broadcast(SPECIES, epsilon);
    FloatVector rootScales = FloatVector.broadcast(SPECIES, rootScale);
    int i = 0;
    for (int whole = SPECIES.loopBound(length); i < whole; i += LANES) {
      FloatVector g = load(gradients, i).mul(clip);
      FloatVector m = load(firstMoment, i).mul(beta1).add(g.mul(1 - beta1));
      FloatVector v = load(secondMoment, i).mul(beta2).add(g.mul(1 - beta2).mul(g));
      store(m, firstMoment, i);
      store(v, secondMoment, i);
      FloatVector root = v.lanewise(VectorOperators.SQRT).fma(rootScales, epsilons);
      store(load(values, i).mul(keep).sub(m.mul(rate).div(root)), values, i);
    }
    long at = 4L * i;
    REST.adamW(
        values + at,
        gradients + at,
        firstMoment + at,
        secondMoment + at,
        length - i,
        clip,
        beta1,
        beta2,
        keep,
        rate,
        rootScale,
        epsilon);
  }
}
