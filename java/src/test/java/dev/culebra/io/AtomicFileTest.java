package dev.culebra.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
  @TempDir Path directory;

  @Test
  void writesAndReplaces() throws IOException {
    Path target = directory.resolve("config.json");
    AtomicFile.write(target, "first, and rather long");
    AtomicFile.write(target, "zweitens: ü");
    assertThat(target).hasContent("zweitens: ü");
    assertThat(names()).containsExactly("config.json");
  }

  @Test
  void keepsTheTargetWhenTheBodyFails() throws IOException {
    Path target = directory.resolve("weights");
    AtomicFile.write(target, "good");
    assertThatThrownBy(
            () ->
                AtomicFile.write(
                    target,
                    channel -> {
                      channel.write(ByteBuffer.wrap(new byte[1000]));
                      throw new IOException("No space left on device");
                    }))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot write " + target + ": No space left on device");
    assertThat(target).hasContent("good");
    assertThat(names()).containsExactly("weights");
  }

  @Test
  void keepsTheTargetWhenTheBodyThrowsUnchecked() throws IOException {
    Path target = directory.resolve("weights");
    AtomicFile.write(target, "good");
    assertThatThrownBy(
            () ->
                AtomicFile.write(
                    target,
                    channel -> {
                      throw new IllegalStateException("bug");
                    }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("bug");
    assertThat(target).hasContent("good");
    assertThat(names()).containsExactly("weights");
  }

  @Test
  void theTargetIsUntouchedUntilTheEnd() throws IOException {
    Path target = directory.resolve("weights");
    AtomicFile.write(target, "old");
    AtomicFile.write(
        target,
        channel -> {
          channel.write(ByteBuffer.wrap(new byte[] {'n', 'e', 'w'}));
          assertThat(target).hasContent("old");
        });
    assertThat(target).hasContent("new");
  }

  @Test
  void removesLeftoversOfAKilledProcess() throws IOException {
    Path old = Files.writeString(directory.resolve(".weights.1234.tmp"), "half");
    Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofHours(2))));
    Files.writeString(directory.resolve(".weights.5678.tmp"), "another process writes this");
    Files.writeString(directory.resolve("weights.tmp"), "not ours");
    AtomicFile.write(directory.resolve("weights"), "new");
    assertThat(names()).containsExactlyInAnyOrder(".weights.5678.tmp", "weights", "weights.tmp");
  }

  @Test
  void aMissingDirectoryIsReportedInOneLine() {
    Path target = directory.resolve("nowhere/file");
    assertThatThrownBy(() -> AtomicFile.write(target, "x"))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "cannot write " + target + ": no such file or directory: " + target.getParent());
  }

  @Test
  void aDirectoryAsTargetIsReportedInOneLine() {
    assertThatThrownBy(() -> AtomicFile.write(directory, "x"))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot write " + directory + ": it is a directory");
  }

  private List<String> names() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }
}
