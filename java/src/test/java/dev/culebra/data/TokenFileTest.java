package dev.culebra.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenFileTest {
  @TempDir Path directory;
  private Path file;

  @BeforeEach
  void name() {
    file = directory.resolve("tokens.bin");
  }

  @Test
  void readsRawTokens() throws IOException {
    Files.write(file, new byte[] {1, 0, 0, 1, 0x50, (byte) 0xC4});
    try (Tokens tokens = TokenFile.open(file, 50257)) {
      assertThat(tokens.size()).isEqualTo(3);
      assertThat(tokens.name()).isEqualTo(file.toString());
      assertThat(tokens.token(0)).isEqualTo(1);
      assertThat(tokens.token(1)).isEqualTo(256);
      assertThat(tokens.token(2)).isEqualTo(50256);
    }
  }

  @Test
  void readsWhatTheWriterWrote() throws IOException {
    int[] written = IntStream.range(0, 100_000).map(i -> i * 7 % 65_536).toArray();
    write(written);
    int[] read = new int[written.length];
    try (Tokens tokens = TokenFile.open(file, 65_536)) {
      tokens.copy(0, read.length, read, 0);
    }
    assertThat(read).containsExactly(written);
  }

  @Test
  void theWriterRefusesWhatDoesNotFit() {
    assertThatThrownBy(() -> write(65_536))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("token 65536 is outside the vocabulary of 65536");
    assertThatThrownBy(() -> write(-1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void readsTokensAfterAHeader() throws IOException {
    Files.write(file, withHeader(TokenFile.MAGIC, 1, 2, 7, 8));
    try (Tokens tokens = TokenFile.open(file, 100)) {
      assertThat(tokens.size()).isEqualTo(2);
      assertThat(tokens.token(0)).isEqualTo(7);
      assertThat(tokens.token(1)).isEqualTo(8);
    }
  }

  @Test
  void readsBeyondTwoGigabytes() throws IOException {
    // A sparse file: its length is 5 GB, its blocks on the disk are few.
    long last = 2_500_000_000L;
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {42, 0}), last * Short.BYTES);
    }
    try (Tokens tokens = TokenFile.open(file, 50257)) {
      assertThat(tokens.size()).isEqualTo(last + 1);
      assertThat(tokens.token(last)).isEqualTo(42);
      int[] copy = new int[3];
      tokens.copy(last - 2, 3, copy, 0);
      assertThat(copy).containsExactly(0, 0, 42);
      assertThat(tokens.slice("end", last, last + 1).token(0)).isEqualTo(42);
    }
  }

  @Test
  void aTokenOutsideTheVocabularyIsNamed() throws IOException {
    write(5, 64, 65);
    try (Tokens tokens = TokenFile.open(file, 65)) {
      assertThat(tokens.token(1)).isEqualTo(64);
      assertThatThrownBy(() -> tokens.copy(0, 3, new int[3], 0))
          .isInstanceOf(DataException.class)
          .hasMessage("%s: token 65 at position 2 is outside the vocabulary of 65", file);
    }
  }

  @Test
  void aMissingFileIsReportedInOneLine() {
    assertThatThrownBy(() -> TokenFile.open(file, 65))
        .isInstanceOf(IOException.class)
        .hasMessage("cannot read %s: no such file or directory: %s", file, file);
  }

  @Test
  void wrongSizesAreReportedInOneLine() throws IOException {
    assertRefused(new byte[0], "%s holds no tokens");
    assertRefused(
        new byte[5], "%s is not a token file: 5 bytes are not a whole number of 16-bit tokens");
    assertRefused(withHeader(TokenFile.MAGIC, 1, 0), "%s holds no tokens");
    assertRefused(
        withHeader(TokenFile.MAGIC, 1, 3, 7, 8),
        "%s should be 1030 bytes for the 3 tokens in its header, but is 1028");
    assertRefused(
        withHeader(TokenFile.MAGIC, 1, -1, 7, 8),
        "%s should be 8589935614 bytes for the 4294967295 tokens in its header, but is 1028");
    assertRefused(
        withHeader(TokenFile.MAGIC, 7, 2, 7, 8),
        "%s has version 7 of its format: only 1 (16-bit tokens) is read");
    byte[] whole = withHeader(TokenFile.MAGIC, 1, 2, 7, 8);
    assertRefused(
        java.util.Arrays.copyOf(whole, 10),
        "%s is cut off: 10 bytes are less than its header of 1024");
  }

  @Test
  void aLargeVocabularyHas32Bits() throws IOException {
    int[] written = IntStream.range(0, 60_000).map(i -> i * 7 % 151_936).toArray();
    writeOf(151_936, written);
    assertThat(file).hasSize(240_000);
    int[] read = new int[written.length];
    try (Tokens tokens = TokenFile.open(file, 151_936)) {
      tokens.copy(0, read.length, read, 0);
    }
    assertThat(read).containsExactly(written);
    assertThatThrownBy(() -> TokenFile.open(file, 50_257))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(file + " looks like 32-bit tokens: every second of its 16-bit");
  }

  @Test
  void theLastTokensCanBeReadAndRemoved() throws IOException {
    for (int vocab : new int[] {65_536, 65_537}) {
      try (FileChannel channel =
              FileChannel.open(
                  directory.resolve("v" + vocab),
                  StandardOpenOption.CREATE,
                  StandardOpenOption.READ,
                  StandardOpenOption.WRITE);
          TokenFileWriter writer = new TokenFileWriter(channel, vocab)) {
        writer.add(IntStream.range(0, 100_000).map(i -> i % 65_000).toArray());
        int[] read = new int[70_000];
        writer.read(20_000, read, read.length);
        assertThat(read[0]).isEqualTo(20_000);
        assertThat(read[69_999]).isEqualTo(89_999 % 65_000);
        writer.truncate(3);
        writer.add(7);
        assertThat(writer.size()).isEqualTo(4);
      }
      try (Tokens tokens = TokenFile.open(directory.resolve("v" + vocab), vocab)) {
        int[] all = new int[4];
        tokens.copy(0, 4, all, 0);
        assertThat(all).containsExactly(0, 1, 2, 7);
      }
    }
  }

  @Test
  void thirtyTwoBitsAfterTheHeaderOfLlama() throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(TokenFile.HEADER_BYTES + 8).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(TokenFile.MAGIC_32).putInt(7).putInt(2).position(TokenFile.HEADER_BYTES);
    bytes.putInt(128_000).putInt(5);
    Files.write(file, bytes.array());
    try (Tokens tokens = TokenFile.open(file, 128_256)) {
      assertThat(tokens.size()).isEqualTo(2);
      assertThat(tokens.token(0)).isEqualTo(128_000);
    }
    assertRefused(
        java.util.Arrays.copyOf(bytes.array(), TokenFile.HEADER_BYTES + 4),
        "%s should be 1032 bytes for the 2 tokens in its header, but is 1028");
    bytes.putInt(4, 1);
    assertRefused(bytes.array(), "%s has version 1 of its format: only 7 (32-bit tokens) is read");
  }

  /** As numpy writes them that was given no dtype of 16 bits. */
  @Test
  void thirtyTwoBitTokensWithoutAHeaderAreRecognised() throws IOException {
    ByteBuffer small = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
    IntStream.range(0, 8).forEach(small::putInt);
    assertRefused(
        small.array(),
        "%s looks like 32-bit tokens: every second of its 16-bit numbers is from 0 to 3; write"
            + " it as 16-bit ones (in numpy: astype('uint16')), or put the tokenizer.json of its"
            + " tokens beside it if that has more than 65,536");
    Files.write(file, new byte[1 << 17]); // could be either
    TokenFile.open(file, 65).close();
    write(IntStream.range(0, 1 << 16).map(i -> i % 2 == 0 ? 3 : 1).toArray()); // characters
    TokenFile.open(file, 65).close();
  }

  @Test
  void otherFilesOfThatNameAreNamed() throws IOException {
    byte[] evaluation = withHeader(20240522, 1, 2, 7, 8);
    assertRefused(evaluation, "%s is not a token file: it is an evaluation (HellaSwag) of llm.c");
  }

  private void assertRefused(byte[] content, String message) throws IOException {
    Files.write(file, content);
    assertThatThrownBy(() -> TokenFile.open(file, 65))
        .isInstanceOf(DataException.class)
        .hasMessage(message, file);
  }

  private void write(int... tokens) throws IOException {
    writeOf(65_536, tokens);
  }

  private void writeOf(int vocab, int... tokens) throws IOException {
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        TokenFileWriter writer = new TokenFileWriter(channel, vocab)) {
      writer.add(tokens);
      assertThat(writer.size()).isEqualTo(tokens.length);
    }
  }

  private static byte[] withHeader(int magic, int version, int count, int... tokens) {
    ByteBuffer bytes =
        ByteBuffer.allocate(TokenFile.HEADER_BYTES + tokens.length * Short.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(magic)
            .putInt(version)
            .putInt(count)
            .position(TokenFile.HEADER_BYTES);
    for (int token : tokens) {
      bytes.putShort((short) token);
    }
    return bytes.array();
  }
}
