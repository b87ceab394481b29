package dev.culebra.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BFloat16Test {
  @Test
  void everyNumberSurvivesTheRoundTripThroughSingle() {
    for (int bits = Short.MIN_VALUE; bits <= Short.MAX_VALUE; bits++) {
      float value = BFloat16.toFloat((short) bits);
      if (!Float.isNaN(value)) {
        assertThat(BFloat16.fromFloat(value)).isEqualTo((short) bits);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0x1p0, 0x1p0",
    "0x1.01p0, 0x1.00p0", // halfway, the lower is even
    "0x1.03p0, 0x1.04p0", // halfway, the upper is even
    "0x1.010002p0, 0x1.02p0",
    "-0x1.010002p0, -0x1.02p0",
    "0x1.00fffep0, 0x1.00p0",
    "0x1.fffffep5, 0x1p6",
    "0x1p-133, 0x1p-133",
    "0x1p-134, 0x0p0",
    "0x1.8p-134, 0x1p-133",
    "0x1.fffffep127, Infinity",
    "-0x1.fffffep127, -Infinity",
    "-Infinity, -Infinity"
  })
  void roundsToNearestTiesToEven(float value, float rounded) {
    assertThat(BFloat16.rounded(value)).isEqualTo(rounded);
  }

  @Test
  void nanStaysNan() {
    assertThat(BFloat16.rounded(Float.NaN)).isNaN();
    assertThat(BFloat16.rounded(Float.intBitsToFloat(0x7F800001))).isNaN();
    assertThat(BFloat16.fromFloat(-0f)).isEqualTo(Short.MIN_VALUE);
  }
}
