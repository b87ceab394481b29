package dev.culebra.random;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RandomStreamTest {
  private static final int DRAWS = 100_000;

  private final RandomStream stream = new RandomStream(42, 1, 0);

  private static double[] draws(DoubleSupplier source) {
    return DoubleStream.generate(source).limit(DRAWS).toArray();
  }

  private static double mean(double[] values) {
    return DoubleStream.of(values).average().orElseThrow();
  }

  private static double variance(double[] values) {
    double mean = mean(values);
    return DoubleStream.of(values).map(x -> (x - mean) * (x - mean)).average().orElseThrow();
  }

  @Test
  void floatsAreUniform() {
    double[] values = draws(stream::nextFloat);
    assertThat(DoubleStream.of(values)).allMatch(x -> x >= 0 && x < 1);
    // Four standard errors of the mean and of the variance.
    assertThat(mean(values)).isCloseTo(0.5, within(4 * Math.sqrt(1 / 12. / DRAWS)));
    assertThat(variance(values)).isCloseTo(1 / 12., within(4 * Math.sqrt(1 / 180. / DRAWS)));
  }

  @Test
  void normalsAreStandardNormal() {
    double[] values = draws(stream::nextNormal);
    assertThat(mean(values)).isCloseTo(0, within(4 / Math.sqrt(DRAWS)));
    assertThat(variance(values)).isCloseTo(1, within(4 * Math.sqrt(2.0 / DRAWS)));
    double[] fourth = DoubleStream.of(values).map(x -> x * x * x * x).toArray();
    assertThat(mean(fourth)).isCloseTo(3, within(4 * Math.sqrt(96.0 / DRAWS)));
  }

  @Test
  void pairsOfNormalsAreIndependent() {
    double product = 0;
    for (int i = 0; i < DRAWS; i++) {
      product += (double) stream.nextNormal() * stream.nextNormal();
    }
    assertThat(product / DRAWS).isCloseTo(0, within(4 / Math.sqrt(DRAWS)));
  }

  @Test
  void startsAfterWholeBlocks() {
    for (int i = 0; i < 3 * RandomStream.BLOCK; i++) {
      stream.nextNormal();
    }
    RandomStream behind = new RandomStream(42, 1, 0, 3);
    for (int i = 0; i < 10; i++) {
      assertThat(behind.nextNormal()).isEqualTo(stream.nextNormal());
    }
  }

  @Test
  void boundedIntegersAreUniform() {
    int[] counts = new int[7];
    for (int i = 0; i < DRAWS; i++) {
      counts[stream.nextInt(7)]++;
    }
    double chiSquare =
        IntStream.of(counts).mapToDouble(n -> Math.pow(n - DRAWS / 7., 2) / (DRAWS / 7.)).sum();
    // 6 degrees of freedom: above 22.5 once in a thousand seeds.
    assertThat(chiSquare).isLessThan(22.5);
  }

  @Test
  void largeBoundsReachTheirUpperHalf() {
    long bound = 3L << 60;
    double[] values = draws(() -> stream.nextLong(bound));
    assertThat(DoubleStream.of(values)).allMatch(x -> x >= 0 && x <= bound);
    assertThat(mean(values) / bound).isCloseTo(0.5, within(0.01));
  }

  @Test
  void boundOneHasOneAnswer() {
    assertThat(stream.nextInt(1)).isZero();
  }

  @ParameterizedTest
  @CsvSource({"0", "-5"})
  void boundsBelowOneAreRejected(long bound) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> stream.nextLong(bound))
        .withMessage("bound must be at least 1: " + bound);
  }

  @Test
  void reopeningStartsOver() {
    int[] first = ints(new RandomStream(42, 1, 5));
    assertThat(ints(new RandomStream(42, 1, 5))).isEqualTo(first);
  }

  @ParameterizedTest
  @CsvSource({"43, 1, 5", "42, 2, 5", "42, 1, 6", "4294967338, 1, 5"})
  void anotherIdentityGivesOtherNumbers(long seed, int stream, int index) {
    int[] other = ints(new RandomStream(seed, stream, index));
    int[] one = ints(new RandomStream(42, 1, 5));
    long equal = IntStream.range(0, one.length).filter(i -> one[i] == other[i]).count();
    assertThat(equal).isZero();
  }

  private static int[] ints(RandomStream stream) {
    return IntStream.generate(stream::nextInt).limit(1000).toArray();
  }
}
