package dev.culebra.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.culebra.checkpoint.SafetensorsWriter.Item;
import dev.culebra.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a 1 MB file system in memory; skipped if it cannot be mounted. */
class FullDiskTest {
  @TempDir Path disk;
  private boolean mounted;

  @BeforeEach
  void mount() throws Exception {
    mounted = succeeds("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk.toString());
    assumeTrue(mounted, "a small file system can be mounted, which root may do");
  }

  @AfterEach
  void unmount() throws Exception {
    if (mounted) {
      assertThat(succeeds("umount", disk.toString())).isTrue();
    }
  }

  @Test
  void theOldCheckpointSurvivesAndASmallerOneCanBeSaved() throws IOException {
    Path file = disk.resolve("last.safetensors");
    List<Item> old = List.of(SavedItems.item("w", DType.F32, 100_000));
    SafetensorsWriter.write(file, old, Map.of("step", "1"));
    byte[] before = Files.readAllBytes(file);

    List<Item> tooLarge = List.of(SavedItems.item("w", DType.F32, 200_000));
    assertThatThrownBy(() -> SafetensorsWriter.write(file, tooLarge, Map.of("step", "2")))
        .isInstanceOf(IOException.class)
        .hasMessageMatching(
            "cannot write \\Q%s: %s\\E \\(800[,.]\\d{3} bytes needed, 6\\d\\d[,.]\\d{3} free\\)"
                .formatted(file, SystemErrors.noSpace()));

    assertThat(file).hasBinaryContent(before);
    try (Stream<Path> files = Files.list(disk)) {
      assertThat(files).containsExactly(file);
    }
    SafetensorsWriter.write(file, old, Map.of("step", "2"));
    try (Safetensors read = Safetensors.open(file)) {
      read.verify();
      assertThat(read.metadata()).containsEntry("step", "2");
    }
  }

  @Test
  void aFailedMetricsLineNamesTheFile() throws IOException {
    Path file = disk.resolve("metrics.jsonl");
    MetricsLog log = MetricsLog.continueAt(file, 0, line -> {});
    Metrics line = new Metrics(1, 2, null, 1e-3f, 1, 1000, 1);
    log.append(line);
    Files.write(disk.resolve("fill"), new byte[(int) Files.getFileStore(disk).getUsableSpace()]);

    assertThatThrownBy(
            () -> {
              for (int step = 2; step < 1000; step++) {
                log.append(line);
              }
            })
        .isInstanceOf(IOException.class)
        .hasMessage("cannot write %s: %s", file, SystemErrors.noSpace());
    log.close();
    Files.delete(disk.resolve("fill"));
    assertThat(MetricsLog.read(file, damaged -> {})).hasSizeGreaterThan(1).containsOnly(line);
  }

  private static boolean succeeds(String... command) throws InterruptedException {
    try {
      return new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
