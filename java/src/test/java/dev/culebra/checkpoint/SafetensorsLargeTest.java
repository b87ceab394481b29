package dev.culebra.checkpoint;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file with more bytes than an int can count; it is sparse and takes almost no disk space. */
class SafetensorsLargeTest {
  private static final Shape LARGE = Shape.of(50_000, 15_000);
  private static final long LARGE_BYTES = LARGE.elements() * Float.BYTES;
  private static final String HEADER =
      """
      {"large":{"dtype":"F32","shape":[50000,15000],"data_offsets":[0,%1$d]},\
      "small":{"dtype":"F32","shape":[2],"data_offsets":[%1$d,%2$d]}}\
      """
          .formatted(LARGE_BYTES, LARGE_BYTES + 8);

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void write() throws IOException {
    file = folder.resolve("large.safetensors");
    byte[] beginning = ForeignFile.of(HEADER);
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.write(beginning);
      sparse.seek(beginning.length + LARGE_BYTES - Float.BYTES);
      sparse.write(ForeignFile.floats(1.5f, 2.5f, 3.5f));
    }
  }

  @Test
  void tensorsAcrossAndBeyondTwoGibibytesAreRead() throws IOException {
    try (Safetensors read = Safetensors.open(file)) {
      MemorySegment large = read.tensor("large", DType.F32, LARGE);
      assertThat(large.byteSize()).isEqualTo(3_000_000_000L);
      assertThat(large.getAtIndex(JAVA_FLOAT_UNALIGNED, 0)).isZero();
      assertThat(large.getAtIndex(JAVA_FLOAT_UNALIGNED, LARGE.elements() - 1)).isEqualTo(1.5f);
      MemorySegment small = read.tensor("small", DType.F32, Shape.of(2));
      assertThat(small.toArray(JAVA_FLOAT_UNALIGNED)).containsExactly(2.5f, 3.5f);
    }
  }

  @Test
  void oneMissingByteIsFound() throws IOException {
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(sparse.length() - 1);
    }
    assertThatThrownBy(() -> Safetensors.open(file))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessage(
            "%s is damaged: its tensors have 3000000008 bytes, but the data has 3000000007", file);
  }
}
