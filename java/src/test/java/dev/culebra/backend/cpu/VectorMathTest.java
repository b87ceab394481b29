package dev.culebra.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.backend.Activation;
import dev.culebra.backend.ReferenceOps;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

/** The errors that {@link VectorMath} states, and the ends of the number line. */
class VectorMathTest {
  private static final int LANES = FloatVector.SPECIES_PREFERRED.length();

  private static float[] apply(UnaryOperator<FloatVector> function, float... xs) {
    float[] padded = new float[Math.ceilDiv(xs.length, LANES) * LANES];
    System.arraycopy(xs, 0, padded, 0, xs.length);
    for (int i = 0; i < padded.length; i += LANES) {
      FloatVector x = FloatVector.fromArray(FloatVector.SPECIES_PREFERRED, padded, i);
      function.apply(x).intoArray(padded, i);
    }
    return padded;
  }

  /** {@code count} numbers from {@code from} to {@code to}. */
  private static float[] range(float from, float to, int count) {
    float[] xs = new float[count];
    for (int i = 0; i < count; i++) {
      xs[i] = from + (to - from) * i / (count - 1);
    }
    return xs;
  }

  /** The largest of |f(x) − exact(x)| / scale(x). */
  private static double worst(
      UnaryOperator<FloatVector> f,
      DoubleUnaryOperator exact,
      DoubleUnaryOperator scale,
      float[] xs) {
    float[] ys = apply(f, xs);
    double worst = 0;
    for (int i = 0; i < xs.length; i++) {
      worst =
          Math.max(
              worst, Math.abs(ys[i] - exact.applyAsDouble(xs[i])) / scale.applyAsDouble(xs[i]));
    }
    return worst;
  }

  private static DoubleUnaryOperator forward(Activation activation) {
    return x -> ReferenceOps.activationForward(new double[] {x}, activation)[0];
  }

  private static DoubleUnaryOperator slope(Activation activation) {
    return x -> ReferenceOps.activationBackward(new double[] {1}, new double[] {x}, activation)[0];
  }

  @Test
  void expIsWithinItsStatedError() {
    float[] xs = range(-87.3f, 0, 20_001);
    assertThat(worst(VectorMath::expNonPositive, Math::exp, Math::exp, xs)).isLessThan(1.2e-7);
  }

  @Test
  void normalCdfIsWithinItsStatedError() {
    float[] xs = range(-15, 15, 20_001);
    assertThat(worst(VectorMath::normalCdf, ReferenceOps::normalCdf, x -> 1, xs)).isLessThan(2e-7);
  }

  @Test
  void gelusAreWithinTheirStatedErrors() {
    float[] xs = range(-12, 12, 20_000);
    assertThat(worst(VectorMath::geluTanh, forward(Activation.GELU_TANH), Math::abs, xs))
        .isLessThan(3e-7);
    assertThat(worst(VectorMath::geluErf, forward(Activation.GELU_ERF), Math::abs, xs))
        .isLessThan(3e-7);
    assertThat(worst(VectorMath::geluTanhSlope, slope(Activation.GELU_TANH), x -> 1, xs))
        .isLessThan(1e-6);
    assertThat(worst(VectorMath::geluErfSlope, slope(Activation.GELU_ERF), x -> 1, xs))
        .isLessThan(5e-7);
  }

  @Test
  void theEndsOfTheNumberLine() {
    float infinity = Float.POSITIVE_INFINITY;
    float most = Float.MAX_VALUE;
    assertThat(apply(VectorMath::expNonPositive, -infinity, -most, -88, 0, -0f))
        .startsWith(0, 0, 0, 1, 1);
    assertThat(apply(VectorMath::normalCdf, -infinity, -most, infinity, most))
        .startsWith(0, 0, 1, 1);
    for (UnaryOperator<FloatVector> gelu : gelus()) {
      float[] ys = apply(gelu, infinity, most, -most, -infinity);
      assertThat(ys).startsWith(infinity, most, -0f);
      assertThat(ys[3]).isNaN();
    }
    for (UnaryOperator<FloatVector> slope : slopes()) {
      float[] ys = apply(slope, infinity, most, -most, -infinity);
      for (int i = 0; i < 4; i++) {
        assertThat(ys[i]).isCloseTo(i < 2 ? 1 : 0, within(1e-30f));
      }
    }
  }

  @Test
  void nanStaysNan() {
    assertThat(apply(VectorMath::expNonPositive, Float.NaN)[0]).isNaN();
    assertThat(apply(VectorMath::normalCdf, Float.NaN)[0]).isNaN();
    for (int i = 0; i < 2; i++) {
      assertThat(apply(gelus().get(i), Float.NaN)[0]).isNaN();
      assertThat(apply(slopes().get(i), Float.NaN)[0]).isNaN();
    }
  }

  private static List<UnaryOperator<FloatVector>> gelus() {
    return List.of(VectorMath::geluTanh, VectorMath::geluErf);
  }

  private static List<UnaryOperator<FloatVector>> slopes() {
    return List.of(VectorMath::geluTanhSlope, VectorMath::geluErfSlope);
  }
}
