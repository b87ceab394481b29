package dev.culebra.bench.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class FindingTest {
  @Test
  void theErrorIsRelativeToTheSizeOfWhatIsExpected() {
    Finding finding = finding(new float[] {3, 4.5f}, new float[] {3, 4});
    assertThat(finding.error()).isCloseTo(0.1, within(1e-7));
    assertThat(finding.passes()).isFalse();
  }

  @Test
  void theErrorIsAbsoluteWhereZeroIsExpected() {
    assertThat(finding(new float[] {0, 0.5f}, new float[2]).error()).isEqualTo(0.5);
  }

  @Test
  void noNumberNeverPasses() {
    assertThat(finding(new float[] {Float.NaN}, new float[] {1}).passes()).isFalse();
  }

  @Test
  void equalVectorsPassWhereNothingIsTolerated() {
    assertThat(Finding.of("x", Tolerance.PADDING, new float[2], new float[2]).passes()).isTrue();
  }

  @Test
  void lengthsMustAgree() {
    assertThatThrownBy(() -> finding(new float[2], new float[3]))
        .hasMessage("x has 2 elements here and 3 there");
  }

  private static Finding finding(float[] actual, float[] expected) {
    return Finding.of("x", Tolerance.GRADIENT, actual, expected);
  }
}
