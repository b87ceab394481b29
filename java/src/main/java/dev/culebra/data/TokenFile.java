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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Token files, mapped into memory whatever their size. All hold little-endian unsigned tokens; the
 * format is recognised by the content:
 *
 * <ul>
 *   <li>nanoGPT's {@code .bin}: nothing but tokens, of 16 bits, or of 32 where the vocabulary needs
 *       them;
 *   <li>llm.c's and modded-nanogpt's: a header of 256 32-bit integers (magic, version, number of
 *       tokens, zeros), then the tokens: of 16 bits (magic 20240520, version 1, GPT-2) or of 32
 *       (magic 20240801, version 7, Llama 3).
 * </ul>
 *
 * <p>A raw file cannot begin with a magic: its lower half, 55432 or 55969, is not a token of GPT-2.
 */
public final class TokenFile {
  static final int MAGIC = 20240520;
  static final int MAGIC_32 = 20240801;
  static final int VERSION = 1;
  static final int VERSION_32 = 7;
  static final int HEADER_BYTES = 256 * Integer.BYTES;

  /** Other files that llm.c calls .bin, by their magic. */
  private static final Map<Integer, String> OTHERS =
      Map.of(
          20240326, "a model",
          20240327, "the state of a debugging session",
          20240328, "a tokenizer",
          20240522, "an evaluation (HellaSwag)");

  private static final ValueLayout.OfInt INT =
      JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** The fewest 32-bit numbers that can be recognised by their upper halves. */
  private static final int TELLING = 8;

  /** The most that are inspected, at the beginning and at the end of a file. */
  private static final int LOOKED_AT = 1 << 14;

  /** Upper halves of tokens are below this: no vocabulary is larger than 262,144. */
  private static final int UPPER_HALVES = 4;

  private static final int FIRST_WORD = 256;

  private final Path file;
  private final TokenWidth width;
  private final MemorySegment tokens;

  private TokenFile(Path file, TokenWidth width, MemorySegment tokens) {
    this.file = file;
    this.width = width;
    this.tokens = tokens;
  }

  /**
   * Maps a token file. Tokens are checked against {@code vocab} when they are read, so that opening
   * does not have to read the file.
   *
   * @return tokens named after the file; the caller closes them
   * @throws DataException if the file is empty, truncated or in another format
   * @throws IOException with one line that names it, if it cannot be read
   */
  public static Tokens open(Path file, int vocab) throws IOException {
    return open(file.toString(), List.of(file), vocab);
  }

  /**
   * Maps token files one after another.
   *
   * @param name of the tokens
   * @param files at least one, all with tokens of one width
   * @return tokens that the caller closes
   * @throws DataException also if one has tokens of another width than the first
   * @throws IOException if one cannot be read; one line that names it
   */
  public static Tokens open(String name, List<Path> files, int vocab) throws IOException {
    Arena arena = Arena.ofShared();
    try {
      List<MemorySegment> segments = new ArrayList<>();
      TokenFile first = null;
      for (Path path : files) {
        TokenFile file = read(path, vocab, arena);
        first = first == null ? file : first;
        if (file.width != first.width) {
          throw new DataException(
              "%s holds %s tokens, but %s holds %s ones: they cannot be read as one"
                  .formatted(file.file, file.width.label(), first.file, first.width.label()));
        }
        segments.add(file.tokens);
      }
      return new Tokens(name, vocab, first.width, segments, arena, List.copyOf(files));
    } catch (Throwable e) { // even an Error must leave nothing open
      arena.close();
      throw e;
    }
  }

  /** Whether the header of a file says that its tokens are those of Llama 3. */
  static boolean isOfLlama(Path file) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      return magic(map(file, arena)) == MAGIC_32;
    }
  }

  private static MemorySegment map(Path file, Arena arena) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.map(READ_ONLY, 0, channel.size(), arena);
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  private static int magic(MemorySegment mapped) {
    return mapped.byteSize() < Integer.BYTES ? 0 : mapped.get(INT, 0);
  }

  /** The part of a file with its tokens; checks the file's size. */
  private static TokenFile read(Path file, int vocab, Arena arena) throws IOException {
    MemorySegment mapped = map(file, arena);
    TokenFile tokens =
        switch (magic(mapped)) {
          case MAGIC -> afterHeader(file, mapped, TokenWidth.UINT16, VERSION);
          case MAGIC_32 -> afterHeader(file, mapped, TokenWidth.INT32, VERSION_32);
          default -> raw(file, mapped, TokenWidth.of(vocab));
        };
    if (tokens.tokens.byteSize() == 0) {
      throw new DataException(file + " holds no tokens");
    }
    return tokens;
  }

  private static TokenFile raw(Path file, MemorySegment mapped, TokenWidth width) {
    String other = OTHERS.get(magic(mapped));
    if (other != null) {
      throw new DataException("%s is not a token file: it is %s of llm.c".formatted(file, other));
    }
    if (mapped.byteSize() % width.bytes() != 0) {
      throw new DataException(
          "%s is not a token file: %d bytes are not a whole number of %s tokens"
              .formatted(file, mapped.byteSize(), width.label()));
    }
    if (width == TokenWidth.UINT16 && looksLike32Bits(mapped)) {
      throw new DataException(
          "%s looks like 32-bit tokens: every second of its 16-bit numbers is from 0 to 3;"
                  .formatted(file)
              + " write it as 16-bit ones (in numpy: astype('uint16')), or put the tokenizer.json"
              + " of its tokens beside it if that has more than 65,536");
    }
    return new TokenFile(file, width, mapped);
  }

  /**
   * Whether every second number is 0 but not all of the others are; or whether every second number
   * is as small as the upper half of a token and some of the others are too large for characters.
   */
  private static boolean looksLike32Bits(MemorySegment mapped) {
    long pairs = mapped.byteSize() / Integer.BYTES;
    if (mapped.byteSize() % Integer.BYTES != 0 || pairs < TELLING) {
      return false;
    }
    int lower = 0;
    int upper = 0;
    long step = pairs > 2 * LOOKED_AT ? pairs - LOOKED_AT : LOOKED_AT;
    for (long start = 0; start < pairs; start += step) {
      long end = Math.min(pairs, start + LOOKED_AT);
      for (long i = start; i < end; i++) {
        int number = mapped.getAtIndex(INT, i);
        lower = Math.max(lower, number & 0xFFFF);
        upper = Math.max(upper, number >>> Short.SIZE);
      }
    }
    return upper == 0 ? lower > 0 : upper < UPPER_HALVES && lower >= FIRST_WORD;
  }

  private static TokenFile afterHeader(
      Path file, MemorySegment mapped, TokenWidth width, int expectedVersion) {
    if (mapped.byteSize() < HEADER_BYTES) {
      throw new DataException(
          "%s is cut off: %d bytes are less than its header of %d"
              .formatted(file, mapped.byteSize(), HEADER_BYTES));
    }
    int version = mapped.getAtIndex(INT, 1);
    if (version != expectedVersion) {
      throw new DataException(
          "%s has version %d of its format: only %d (%s tokens) is read"
              .formatted(file, version, expectedVersion, width.label()));
    }
    long count = Integer.toUnsignedLong(mapped.getAtIndex(INT, 2));
    long expected = HEADER_BYTES + count * width.bytes();
    if (mapped.byteSize() != expected) {
      throw new DataException(
          "%s should be %d bytes for the %d tokens in its header, but is %d"
              .formatted(file, expected, count, mapped.byteSize()));
    }
    return new TokenFile(file, width, mapped.asSlice(HEADER_BYTES));
  }
}
