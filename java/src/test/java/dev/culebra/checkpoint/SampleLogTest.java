package dev.culebra.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests specific to samples; the rest is in {@link MetricsLogTest}. */
class SampleLogTest {
  private static final Sample FIRST = new Sample(250, "Enter \"GHOST\"\r\n\t\u2028\u0000 \\n {}");
  private static final Sample SECOND = new Sample(500, "ö 漢 \uD83D\uDE00");
  private static final Sample THIRD = new Sample(750, "");

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void nameTheFile() {
    file = folder.resolve("samples.jsonl");
  }

  private void write(Sample... samples) throws IOException {
    try (SampleLog log = SampleLog.continueAt(file, 0, line -> {})) {
      for (Sample sample : samples) {
        log.append(sample);
      }
    }
  }

  @Test
  void aSampleIsOneLineForAnyText() throws IOException {
    write(FIRST, SECOND, THIRD);
    assertThat(SampleLog.read(file, line -> {})).containsExactly(FIRST, SECOND, THIRD);
    assertThat(Files.readAllLines(file)).hasSize(3);
    assertThat(Files.readAllLines(file).get(1))
        .isEqualTo("{\"step\":500,\"text\":\"ö 漢 \uD83D\uDE00\"}");
  }

  @Test
  void resumingDropsLaterAndTruncatedSamples() throws IOException {
    write(FIRST, SECOND, THIRD);
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length - 5));
    assertThat(SampleLog.read(file, line -> {})).containsExactly(FIRST, SECOND);
    try (SampleLog log = SampleLog.continueAt(file, 499, line -> {})) {
      assertThat(SampleLog.read(file, line -> {})).containsExactly(FIRST);
      log.append(THIRD);
    }
    assertThat(SampleLog.read(file, line -> {})).containsExactly(FIRST, THIRD);
  }

  @Test
  void aStepHasOneSample() throws IOException {
    write(FIRST, SECOND);
    try (SampleLog log = SampleLog.continueAt(file, SECOND.step(), line -> {})) {
      log.append(new Sample(SECOND.step(), "again"));
      log.append(THIRD);
      log.append(new Sample(THIRD.step(), "again"));
    }
    assertThat(SampleLog.read(file, line -> {})).containsExactly(FIRST, SECOND, THIRD);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"step\":2}",
        "{\"text\":\"x\"}",
        "{\"step\":0,\"text\":\"x\"}",
        "{\"step\":2.5,\"text\":\"x\"}",
        "{\"step\":2,\"text\":7}",
        "[]",
        ""
      })
  void aDamagedLineIsNamedAndSkipped(String damaged) throws IOException {
    write(FIRST);
    Files.writeString(file, damaged + "\n" + Files.readString(file));
    List<String> said = new ArrayList<>();

    assertThat(SampleLog.read(file, said::add)).containsExactly(FIRST);
    assertThat(said)
        .containsExactly(file + " is damaged: line 1 is not a line of samples, so it is skipped");
  }

  @Test
  void aSampleComesAfterAStep() {
    assertThatThrownBy(() -> new Sample(0, "x")).hasMessageContaining("not 0");
    assertThatThrownBy(() -> new Sample(1, null)).isInstanceOf(NullPointerException.class);
  }
}
