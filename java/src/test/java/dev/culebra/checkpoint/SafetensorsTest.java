package dev.culebra.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reads valid files, most of them from other programs. */
class SafetensorsTest {
  private static final Shape MATRIX = Shape.of(2, 3);

  @TempDir Path folder;

  @Test
  void readsAFileOfAnotherProgram() throws IOException {
    String header =
        """
        {
          "b": {"data_offsets": [24, 26], "dtype": "BF16", "shape": [1]},
          "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
        }
        """;
    byte[] data = new byte[26];
    System.arraycopy(ForeignFile.floats(1, 2, 3, 4, 5, -6.5f), 0, data, 0, 24);
    data[25] = 0x40;

    try (Safetensors file = open(ForeignFile.of(header, data))) {
      file.verify();
      assertThat(file.metadata()).isEmpty();
      assertThat(file.contains("w")).isTrue();
      assertThat(file.contains("x")).isFalse();
      assertThat(floats(file.tensor("w", DType.F32, MATRIX))).containsExactly(1, 2, 3, 4, 5, -6.5f);
      assertThat(bytes(file.tensor("b", DType.BF16, Shape.of(1)))).containsExactly(0, 0x40);
    }
  }

  @Test
  void readsMetadataOfAnotherProgram() throws IOException {
    String header = "{\"__metadata__\":{\"format\":\"pt\",\"é\":\"\\u00e9\\n\"}}";
    try (Safetensors file = open(ForeignFile.of(header))) {
      file.verify();
      assertThat(file.metadata()).containsOnly(entry("format", "pt"), entry("é", "é\n"));
    }
  }

  @Test
  void anEmptyFileIsValid() throws IOException {
    try (Safetensors file = open(ForeignFile.of("{}"))) {
      file.verify();
      assertThat(file.metadata()).isEmpty();
      assertThat(file.contains("")).isFalse();
    }
  }

  @Test
  void readsScalarsAndSkipsEmptyTensors() throws IOException {
    String header =
        """
        {"empty": {"dtype": "I64", "shape": [3, 0, 5], "data_offsets": [4, 4]},
         "first": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]},
         "scalar": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
         "last": {"dtype": "U8", "shape": [1], "data_offsets": [4, 5]}}""";
    byte[] data = new byte[5];
    System.arraycopy(ForeignFile.floats(0.5f), 0, data, 0, 4);

    try (Safetensors file = open(ForeignFile.of(header, data))) {
      assertThat(floats(file.tensor("scalar", DType.F32, Shape.of()))).containsExactly(0.5f);
      assertThatThrownBy(() -> file.tensor("empty", DType.F32, Shape.of(1)))
          .isInstanceOf(CheckpointException.class)
          .hasMessage("%s: tensor empty is I64 (3, 0, 5), but should be F32 (1)", file.file());
    }
  }

  @Test
  void aTensorOfAnUnknownTypeDoesNotAffectTheOthers() throws IOException {
    String header =
        """
        {"new": {"dtype": "F4_E2M1", "shape": [2, 2], "data_offsets": [0, 2]},
         "w": {"dtype": "F32", "shape": [1], "data_offsets": [2, 6]}}""";
    byte[] data = new byte[6];
    System.arraycopy(ForeignFile.floats(7), 0, data, 2, 4);

    try (Safetensors file = open(ForeignFile.of(header, data))) {
      assertThat(floats(file.tensor("w", DType.F32, Shape.of(1)))).containsExactly(7);
      assertThatThrownBy(() -> file.tensor("new", DType.F32, Shape.of(2, 2)))
          .isInstanceOf(CheckpointException.class)
          .hasMessage("%s: tensor new is F4_E2M1 (2, 2), but should be F32 (2, 2)", file.file());
    }
  }

  @Test
  void namesExpectedAndActualTensors() throws IOException {
    String header = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}";
    try (Safetensors file = open(ForeignFile.of(header, new byte[24]))) {
      assertThatThrownBy(() -> file.tensor("w", DType.F32, Shape.of(3, 2)))
          .isInstanceOf(CheckpointException.class)
          .hasMessage("%s: tensor w is F32 (2, 3), but should be F32 (3, 2)", file.file());
      assertThatThrownBy(() -> file.tensor("w", DType.I32, MATRIX))
          .isInstanceOf(CheckpointException.class)
          .hasMessage("%s: tensor w is F32 (2, 3), but should be I32 (2, 3)", file.file());
      assertThatThrownBy(() -> file.tensor("v", DType.F32, MATRIX))
          .isInstanceOf(CheckpointException.class)
          .hasMessage("%s has no tensor v, which should be F32 (2, 3)", file.file());
    }
  }

  @Test
  void dataIsReadOnlyAndInvalidAfterClose() throws IOException {
    String header = "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    Safetensors file = open(ForeignFile.of(header, new byte[4]));
    MemorySegment tensor = file.tensor("w", DType.F32, Shape.of(1));
    assertThat(tensor.isReadOnly()).isTrue();
    file.close();
    file.close();
    assertThat(tensor.scope().isAlive()).isFalse();
  }

  @Test
  void aMissingFileIsReportedInOneLine() {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> Safetensors.open(missing))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot read %s: no such file or directory: %s", missing, missing);
  }

  @Test
  void aDirectoryIsReportedInOneLine() {
    assertThatThrownBy(() -> Safetensors.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot read %s: it is a directory", folder);
  }

  private Safetensors open(byte[] content) throws IOException {
    return Safetensors.open(Files.write(folder.resolve("foreign.safetensors"), content));
  }

  private static byte[] bytes(MemorySegment tensor) {
    return tensor.toArray(ValueLayout.JAVA_BYTE);
  }

  private static float[] floats(MemorySegment tensor) {
    return tensor.toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
  }
}
