package dev.culebra.data;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.nio.channels.FileChannel.MapMode.READ_ONLY;

import dev.culebra.io.FileErrors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Token files, mapped into memory whatever their size. Two formats are read and told apart by
 * themselves; both hold little-endian 16-bit unsigned tokens:
 *
 * <ul>
 *   <li>nanoGPT's {@code .bin}: nothing but tokens;
 *   <li>llm.c's: a header of 256 32-bit integers (magic 20240520, version 1, number of tokens,
 *       zeros), then the tokens.
 * </ul>
 *
 * <p>The magic is no beginning of a raw file: its lower half, 55432, is no token of GPT-2.
 */
public final class TokenFile {
  static final int MAGIC = 20240520;
  static final int VERSION = 1;
  static final int HEADER_BYTES = 256 * Integer.BYTES;
  private static final ValueLayout.OfInt INT =
      JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private TokenFile() {}

  /**
   * Maps a token file. Tokens are checked against {@code vocab} when they are read, so that opening
   * does not have to read the file.
   *
   * @return tokens named after the file, which the caller closes
   * @throws DataException if the file is empty, cut off or in another format
   * @throws IOException if it cannot be read; one line that names it
   */
  public static Tokens open(Path file, int vocab) throws IOException {
    Arena arena = Arena.ofShared();
    try {
      MemorySegment tokens = tokens(file, map(file, arena));
      return new Tokens(file.toString(), vocab, TokenWidth.UINT16, tokens, arena);
    } catch (Throwable e) { // an Error too must leave nothing open
      arena.close();
      throw e;
    }
  }

  private static MemorySegment map(Path file, Arena arena) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.map(READ_ONLY, 0, channel.size(), arena);
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  /** The part of the mapped file that is tokens, once its size has been found to be right. */
  private static MemorySegment tokens(Path file, MemorySegment mapped) {
    long bytes = mapped.byteSize();
    boolean header = bytes >= Integer.BYTES && mapped.get(INT, 0) == MAGIC;
    if (!header && bytes % Short.BYTES != 0) {
      throw new DataException(
          "%s is not a token file: %d bytes are not a whole number of 16-bit tokens"
              .formatted(file, bytes));
    }
    MemorySegment tokens = header ? afterHeader(file, mapped) : mapped;
    if (tokens.byteSize() == 0) {
      throw new DataException(file + " holds no tokens");
    }
    return tokens;
  }

  private static MemorySegment afterHeader(Path file, MemorySegment mapped) {
    if (mapped.byteSize() < HEADER_BYTES) {
      throw new DataException(
          "%s is cut off: %d bytes are less than its header of %d"
              .formatted(file, mapped.byteSize(), HEADER_BYTES));
    }
    int version = mapped.getAtIndex(INT, 1);
    if (version != VERSION) {
      throw new DataException(
          "%s has version %d of its format: only %d (GPT-2 tokens) is read"
              .formatted(file, version, VERSION));
    }
    long count = Integer.toUnsignedLong(mapped.getAtIndex(INT, 2));
    long expected = HEADER_BYTES + count * Short.BYTES;
    if (mapped.byteSize() != expected) {
      throw new DataException(
          "%s should be %d bytes for the %d tokens in its header, but is %d"
              .formatted(file, expected, count, mapped.byteSize()));
    }
    return mapped.asSlice(HEADER_BYTES);
  }
}
