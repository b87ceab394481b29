package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataChecksumTest {
  private static final long LARGE = 200_000_001; // tokens, 400 MB, of which few take room on a disk

  @TempDir Path directory;

  private static DataChecksum of(int... train) {
    try (Tokens tokens = Tokens.of("train", 100, train);
        Tokens validation = Tokens.of("validation", 100, 9, 8)) {
      return DataChecksum.of(tokens, validation);
    }
  }

  @Test
  void anyTokenCounts() {
    DataChecksum before = of(1, 2, 3);
    assertThat(of(1, 2, 3)).isEqualTo(before);
    assertThat(before.differenceFrom(before)).isEmpty();
    assertThat(of(1, 3, 2).differenceFrom(before))
        .isEqualTo("it has as many tokens, but others or in another order");
    assertThat(of(1, 2).differenceFrom(before))
        .isEqualTo("it has 2 tokens to train on and 2 to validate on, not 3 and 2");
  }

  @Test
  void itIsWrittenOnALine() {
    DataChecksum checksum = of(1, 2, 3);
    assertThat(checksum.toString()).matches("3 2 [0-9a-f]{64}");
    assertThat(DataChecksum.parse(checksum.toString())).contains(checksum);
    DataChecksum large = new DataChecksum(5, 1, checksum.tokens(), checksum.tokens());
    assertThat(DataChecksum.parse(large.toString())).contains(large);
    assertThat(DataChecksum.parse("")).isEmpty();
    assertThat(DataChecksum.parse("3 2 abc")).isEmpty();
  }

  @Test
  void anyTokenOfRowsCounts() {
    List<List<int[]>> train = List.of(List.of(new int[] {1, 2}, new int[] {3}));
    DataChecksum before = DataChecksum.ofRows(train, train);
    assertThat(DataChecksum.ofRows(train, List.copyOf(train))).isEqualTo(before);
    assertThat(before.trainTokens()).isEqualTo(3);
    List<List<int[]>> other = List.of(List.of(new int[] {1}, new int[] {2, 3}));
    assertThat(DataChecksum.ofRows(other, train).differenceFrom(before))
        .isEqualTo("it has as many tokens, but others or in another order");
  }

  private Path large(long place, int token) throws IOException {
    Path file = directory.resolve("large.bin");
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {1, 0}), (LARGE - 1) * Short.BYTES);
      channel.write(ByteBuffer.wrap(new byte[] {(byte) token, 0}), place * Short.BYTES);
    }
    return file;
  }

  private static DataChecksum of(Path file) throws IOException {
    try (Corpus corpus =
        Corpus.fromTokenFile(file, dev.culebra.text.CharTokenizer.of("abcdefgh"))) {
      return corpus.checksum().orElseThrow();
    }
  }

  @Test
  void aLargeFileIsSampledAndItsTimeCounts() throws IOException {
    Path file = large(0, 1);
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000));
    DataChecksum before = of(file);
    assertThat(of(file)).isEqualTo(before);
    assertThat(DataChecksum.parse(before.toString())).contains(before);

    large(100_003, 1); // between two samples
    assertThat(of(file).differenceFrom(before))
        .isEqualTo(
            "its files were written at another time, and only samples of them were compared");
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000));
    assertThat(of(file)).isEqualTo(before);
    large(0, 2); // in the first one
    assertThat(of(file).differenceFrom(before))
        .isEqualTo("it has as many tokens, but others or in another order");
    large(LARGE, 2);
    assertThat(of(file).differenceFrom(before)).startsWith("it has 180,000,001 tokens to train on");
  }
}
