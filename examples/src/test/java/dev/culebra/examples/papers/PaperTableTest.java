package dev.culebra.examples.papers;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PaperTableTest {
  @Test
  void slowerStepsAreFewer() {
    assertThat(PaperTable.stepsInTime(1000, 10, 20)).isEqualTo(500);
    assertThat(PaperTable.stepsInTime(1000, 10, 8)).isEqualTo(1250);
    assertThat(PaperTable.stepsInTime(1000, 10, 10)).isEqualTo(1000);
    assertThat(PaperTable.stepsInTime(1, 10, 1e6)).isEqualTo(1);
  }
}
