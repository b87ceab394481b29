package dev.culebra.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RopeScalingTest {
  private static final RopeScaling LLAMA = new RopeScaling(8, 1, 4, 8192);

  @Test
  void itsTextIsReadBack() {
    assertThat(LLAMA).hasToString("8,1,4,8192");
    assertThat(RopeScaling.parse("8,1,4,8192")).isEqualTo(LLAMA);
    RopeScaling odd = new RopeScaling(1e9, 0.1, 1.5, 7);
    assertThat(RopeScaling.parse(odd.toString())).isEqualTo(odd);
    assertThat(RopeScaling.parse("none")).isEqualTo(RopeScaling.NONE).hasToString("none");
    assertThat(RopeScaling.parse("1,2,3,4")).isEqualTo(RopeScaling.NONE);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "8", "8,1,4", "8,1,4,8192,", "8,1,4,0", "0.5,1,4,9", "8,4,1,9", "NaN,1,4,9"})
  void otherTextsAreRefused(String text) {
    assertThatIllegalArgumentException().isThrownBy(() -> RopeScaling.parse(text));
  }

  @Test
  void highFrequenciesStayAndLowOnesAreDivided() {
    assertThat(LLAMA.kept(5.0 / 8192)).isEqualTo(1);
    assertThat(LLAMA.kept(0.5 / 8192)).isEqualTo(0.125);
    assertThat(LLAMA.kept(2.5 / 8192)).isCloseTo((1 + 0.125) / 2, within(1e-12));
    assertThat(RopeScaling.NONE.kept(0.3)).isEqualTo(1);
  }

  /** To the bit: a model of before computes as it did. */
  @Test
  void theUsualFrequenciesAreThoseOfThePaper() {
    for (int pair = 0; pair < 32; pair++) {
      assertThat(Rotation.USUAL.frequency(pair, 64)).isEqualTo(Math.pow(10_000, -2.0 * pair / 64));
    }
  }
}
