package dev.culebra.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.checkpoint.SafetensorsWriter.Item;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsWriterTest {
  private static final int PIECE = 8 << 20;

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void nameTheFile() {
    file = folder.resolve("last.safetensors");
  }

  @Test
  void readsWhatWasWritten() throws IOException {
    List<Item> items =
        List.of(
            SavedItems.item("h.0.weight", DType.F32, 5, 7),
            SavedItems.item("b", DType.BF16, 3),
            SavedItems.item("tokens", DType.I32, 2, 1, 4),
            SavedItems.item("scalar", DType.F32),
            SavedItems.item("größe \"\\\n", DType.F32, 1));
    Map<String, String> metadata = Map.of("step", "12", "name", "\"é\"\n\u0001");
    SafetensorsWriter.write(file, items, metadata);

    try (Safetensors read = Safetensors.open(file)) {
      read.verify();
      SavedItems.assertEqual(read, items);
      assertThat(read.metadata()).containsAllEntriesOf(metadata).hasSize(3);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {PIECE, PIECE + 4, 2 * PIECE + 4})
  void tensorsLongerThanAPiece(int bytes) throws IOException {
    List<Item> items =
        List.of(
            SavedItems.item("large", DType.F32, bytes / 4), SavedItems.item("next", DType.BF16, 3));
    SafetensorsWriter.write(file, items, Map.of());

    try (Safetensors read = Safetensors.open(file)) {
      read.verify();
      SavedItems.assertEqual(read, items);
    }
  }

  @Test
  void noTensorsAtAll() throws IOException {
    SafetensorsWriter.write(file, List.of(), Map.of());
    try (Safetensors read = Safetensors.open(file)) {
      read.verify();
      assertThat(read.metadata()).containsOnlyKeys(SafetensorsWriter.CHECKSUM);
    }
  }

  @Test
  void equalContentIsEqualBytes() throws IOException {
    Map<String, String> one = new LinkedHashMap<>();
    Map<String, String> other = new LinkedHashMap<>();
    for (int i = 0; i < 9; i++) {
      one.put("key" + i, "value");
      other.put("key" + (8 - i), "value");
    }
    byte[] first = written(small(), one);
    assertThat(written(small(), other)).isEqualTo(first);
    assertThat(written(small(), Map.of())).isNotEqualTo(first);
  }

  @Test
  void theDataBeginsAtAMultipleOfEight() throws IOException {
    for (int length = 0; length < 8; length++) {
      ByteBuffer bytes = ByteBuffer.wrap(written(small(), Map.of("key", "x".repeat(length))));
      int header = (int) bytes.order(ByteOrder.LITTLE_ENDIAN).getLong(0);
      assertThat(header % 8).isZero();
      String text = new String(bytes.array(), Long.BYTES, header, StandardCharsets.UTF_8);
      assertThat(text).startsWith("{\"__metadata__\":").matches("(?s).*} {0,7}");
    }
  }

  @Test
  void theChecksumFindsEveryFlippedBitOfTheData() throws IOException {
    byte[] sound = written(small(), Map.of());
    int data = small().stream().mapToInt(item -> (int) item.bytes()).sum();
    for (int at = sound.length - data; at < sound.length; at++) {
      for (int bit = 0; bit < Byte.SIZE; bit++) {
        byte[] flipped = sound.clone();
        flipped[at] ^= (byte) (1 << bit);
        assertDoesNotMatchItsChecksum(flipped);
      }
    }
  }

  @Test
  void theChecksumCoversNamesAndMetadata() throws IOException {
    String sound = new String(written(small(), Map.of("step", "12")), StandardCharsets.ISO_8859_1);
    assertDoesNotMatchItsChecksum(replaced(sound, "\"step\":\"12\"", "\"step\":\"13\""));
    assertDoesNotMatchItsChecksum(replaced(sound, "\"weight\"", "\"wEight\""));
    assertDoesNotMatchItsChecksum(replaced(sound, "[3,2]", "[2,3]"));
    assertDoesNotMatchItsChecksum(replaced(sound, "\"F32\"", "\"I32\""));
  }

  private static byte[] replaced(String content, String old, String by) {
    assertThat(content).containsOnlyOnce(old);
    return content.replace(old, by).getBytes(StandardCharsets.ISO_8859_1);
  }

  private void assertDoesNotMatchItsChecksum(byte[] content) throws IOException {
    Files.write(file, content);
    try (Safetensors read = Safetensors.open(file)) {
      assertThatThrownBy(read::verify)
          .isExactlyInstanceOf(CheckpointException.class)
          .hasMessage("%s is damaged: it does not match its checksum", file);
    }
  }

  @Test
  void copiedMetadataDoesNotCopyTheChecksum() throws IOException {
    byte[] first = written(small(), Map.of("step", "12"));
    Map<String, String> metadata;
    try (Safetensors read = Safetensors.open(file)) {
      metadata = read.metadata();
    }
    assertThat(written(small(), metadata)).isEqualTo(first);
    SafetensorsWriter.write(file, small(), Map.of(SafetensorsWriter.CHECKSUM, "none"));
    try (Safetensors read = Safetensors.open(file)) {
      read.verify();
      assertThat(read.metadata().get(SafetensorsWriter.CHECKSUM)).matches("[0-9a-f]{8}");
    }
  }

  @Test
  void anInvalidChecksumDoesNotMatch() throws IOException {
    Files.write(file, ForeignFile.of("{\"__metadata__\":{\"culebra.crc32c\":\"\"}}"));
    try (Safetensors read = Safetensors.open(file)) {
      assertThatThrownBy(read::verify).isInstanceOf(CheckpointException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"weight", "__metadata__"})
  void namesMustDiffer(String name) throws IOException {
    byte[] before = written(small(), Map.of());
    List<Item> items = List.of(small().getFirst(), SavedItems.item(name, DType.F32, 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SafetensorsWriter.write(file, items, Map.of()))
        .withMessage("two tensors cannot have the name " + name);
    assertThat(file).hasBinaryContent(before);
  }

  @Test
  void aFailingSourceKeepsTheOldFile() throws IOException {
    byte[] before = written(small(), Map.of());
    for (RuntimeException failure :
        List.of(
            new IllegalStateException("the device is gone"),
            new UncheckedIOException(new IOException("unreadable")))) {
      List<Item> items = List.of(small().getFirst(), failing(failure));
      assertThatThrownBy(() -> SafetensorsWriter.write(file, items, Map.of())).isSameAs(failure);
      assertThat(file).hasBinaryContent(before);
      assertNothingBesideTheFile();
    }
  }

  /** Fails in its second piece, after much has been written. */
  private static Item failing(RuntimeException failure) {
    return new Item(
        "failing",
        DType.F32,
        Shape.of(PIECE / 2),
        (MemorySegment _, long offset) -> {
          if (offset > 0) {
            throw failure;
          }
        });
  }

  @Test
  void anInterruptKeepsTheOldFile() throws IOException {
    byte[] before = written(small(), Map.of());
    try {
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> SafetensorsWriter.write(file, small(), Map.of("step", "2")))
          .isInstanceOf(IOException.class)
          .hasMessage("cannot write %s: interrupted", file);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(file).hasBinaryContent(before);
    assertNothingBesideTheFile();
  }

  @Test
  void aMissingDirectoryIsReportedInOneLine() {
    Path nowhere = folder.resolve("nowhere/last.safetensors");
    assertThatThrownBy(() -> SafetensorsWriter.write(nowhere, small(), Map.of()))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot write %s: no such file or directory: %s", nowhere, nowhere.getParent());
  }

  @Test
  void theRootDirectoryIsReportedInOneLine() {
    Path root = folder.getRoot();
    assertThatThrownBy(() -> SafetensorsWriter.write(root, small(), Map.of()))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot write %s: it is a directory", root);
  }

  private static List<Item> small() {
    return List.of(
        SavedItems.item("weight", DType.F32, 3, 2), SavedItems.item("bias", DType.BF16, 5));
  }

  private byte[] written(List<Item> items, Map<String, String> metadata) throws IOException {
    SafetensorsWriter.write(file, items, metadata);
    return Files.readAllBytes(file);
  }

  private void assertNothingBesideTheFile() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }
}
