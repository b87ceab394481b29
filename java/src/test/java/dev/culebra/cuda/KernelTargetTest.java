package dev.culebra.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.cuda.KernelIndex.Target;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which GPUs run code compiled for a given target. */
class KernelTargetTest {
  @ParameterizedTest
  @CsvSource({
    "compute_80, 75, false",
    "compute_80, 80, true",
    "compute_80, 90, true",
    "compute_80, 120, true",
    "compute_90a, 89, false",
    "compute_90a, 90, true",
    "compute_90a, 100, false",
    "compute_100a, 100, true",
    "compute_100, 120, true"
  })
  void aLetterAtTheEndMeansExactlyThat(String name, int capability, boolean runs) {
    assertThat(new Target(name, "8.0", 12000).runsOn(capability)).isEqualTo(runs);
  }
}
