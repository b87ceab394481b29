package dev.culebra.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.checkpoint.CheckpointException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProgressTest {
  private static final Path FILE = Path.of("last.safetensors");
  private static final Progress PROGRESS = new Progress(12, 1.2345678f, 1e-7 / 3);

  @Test
  void survivesTheRoundTripToTheBit() throws CheckpointException {
    for (Progress progress :
        new Progress[] {
          Progress.START, PROGRESS, new Progress(Integer.MAX_VALUE, Float.MIN_VALUE, 1e300)
        }) {
      assertThat(Progress.parse(progress.toMetadata(), FILE)).isEqualTo(progress);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "culebra.step,",
    "culebra.step, x",
    "culebra.step, 1.5",
    "culebra.step, -1",
    "culebra.step, 4294967295",
    "culebra.best_val_loss,",
    "culebra.best_val_loss, low",
    "culebra.elapsed_s,",
    "culebra.elapsed_s, -1",
    "culebra.elapsed_s, long"
  })
  void invalidMetadata(String key, String value) {
    Map<String, String> metadata = new HashMap<>(PROGRESS.toMetadata());
    assertThat(metadata).containsKey(key);
    if (value == null) {
      metadata.remove(key);
    } else {
      metadata.put(key, value);
    }
    assertThatThrownBy(() -> Progress.parse(metadata, FILE))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessage(
            "last.safetensors is not a checkpoint of a training run:"
                + " its header does not record any progress");
  }
}
