package dev.culebra.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MedianTest {
  @Test
  void isTheMiddleOrTheMeanOfTheTwoInTheMiddle() {
    assertThat(Median.of(new long[] {9, 1, 5})).isEqualTo(5);
    assertThat(Median.of(new double[] {4, 1, 2, 100})).isEqualTo(3);
  }
}
