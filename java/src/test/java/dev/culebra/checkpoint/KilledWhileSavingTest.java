package dev.culebra.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.checkpoint.SafetensorsWriter.Item;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * If a process is killed at any time while saving, its file is one of the checkpoints, complete.
 */
class KilledWhileSavingTest {
  private static final int BYTES = 4 << 20;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {0, 5, 17, 40})
  void theFileIsWhole(int milliseconds) throws Exception {
    Path file = folder.resolve("last.safetensors");
    try (ChildJvm child = ChildJvm.start(SavesForever.class, file.toString())) {
      assertThat(child.readLine()).isEqualTo("saved");
      Thread.sleep(milliseconds);
      child.kill();
    }
    try (Safetensors read = Safetensors.open(file)) {
      read.verify();
      int step = Integer.parseInt(read.metadata().get("step"));
      SavedItems.assertEqual(read, List.of(item(step)));
    }
    SafetensorsWriter.write(file, List.of(item(7)), Map.of("step", "7"));
    try (Safetensors read = Safetensors.open(file)) {
      SavedItems.assertEqual(read, List.of(item(7)));
    }
  }

  /** The process to kill: every checkpoint is filled with its step. */
  static final class SavesForever {
    public static void main(String[] args) throws IOException {
      for (int step = 0; ; step++) {
        SafetensorsWriter.write(
            Path.of(args[0]), List.of(item(step)), Map.of("step", Integer.toString(step)));
        if (step == 0) {
          System.out.println("saved");
        }
      }
    }
  }

  private static Item item(int step) {
    byte[] content = new byte[BYTES];
    Arrays.fill(content, (byte) step);
    return SavedItems.item("w", DType.F32, Shape.of(BYTES / Float.BYTES), content);
  }
}
