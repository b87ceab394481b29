package dev.culebra.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.checkpoint.SafetensorsWriter.Item;
import dev.culebra.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Writing fails in the middle of a checkpoint, as on a full disk, by a limit that every user may
 * set for a process.
 */
class FailedWriteTest {
  private static final int LIMIT_BLOCKS = 200;

  @TempDir Path folder;

  @Test
  void theOldCheckpointSurvives() throws IOException {
    Path file = folder.resolve("last.safetensors");
    List<Item> old = List.of(SavedItems.item("w", DType.F32, 1000));
    SafetensorsWriter.write(file, old, Map.of("step", "1"));

    try (ChildJvm child =
        ChildJvm.startWithFileLimit(LIMIT_BLOCKS, SavesTooMuch.class, file.toString())) {
      // What follows is in the system's language.
      assertThat(child.readLine()).matches("cannot write \\Q" + file + "\\E: .+");
    }

    try (Safetensors read = Safetensors.open(file)) {
      read.verify();
      SavedItems.assertEqual(read, old);
      assertThat(read.metadata()).containsEntry("step", "1");
    }
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  /** The process with the limit. */
  static final class SavesTooMuch {
    public static void main(String[] args) {
      Item large = SavedItems.item("w", DType.F32, 1_000_000);
      try {
        SafetensorsWriter.write(Path.of(args[0]), List.of(large), Map.of("step", "2"));
        System.out.println("written");
      } catch (IOException e) {
        System.out.println(e.getMessage());
      }
    }
  }
}
