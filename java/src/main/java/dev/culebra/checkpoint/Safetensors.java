package dev.culebra.checkpoint;

import dev.culebra.checkpoint.SafetensorsHeader.Entry;
import dev.culebra.io.FileErrors;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32C;

/**
 * A {@code .safetensors} file, mapped into memory: an 8-byte little-endian header length, a JSON
 * header with the dtype, shape and position of each tensor, then the data. The file is not trusted:
 * everything in the header is checked against the file's size before it is used, and no memory of a
 * claimed size is allocated. Thread-safe until closed.
 */
public final class Safetensors implements AutoCloseable {
  static final int LENGTH_BYTES = Long.BYTES;
  private static final long MAX_HEADER = 100L << 20;
  private static final long PIECE = 64 << 20;
  private static final ValueLayout.OfLong LITTLE_ENDIAN_LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path file;
  private final Arena arena;
  private final MemorySegment all;
  private final long dataStart;
  private final SafetensorsHeader header;

  private Safetensors(
      Path file, Arena arena, MemorySegment all, long dataStart, SafetensorsHeader header) {
    this.file = file;
    this.arena = arena;
    this.all = all;
    this.dataStart = dataStart;
    this.header = header;
  }

  /**
   * Maps a file and checks its header.
   *
   * @throws CheckpointException if it is not a complete and valid safetensors file
   * @throws IOException with one line that names it, if it cannot be read
   */
  public static Safetensors open(Path file) throws IOException {
    Arena arena = Arena.ofShared();
    try {
      MemorySegment all = map(file, arena);
      long headerBytes = headerBytes(file, all);
      byte[] json = all.asSlice(LENGTH_BYTES, headerBytes).toArray(ValueLayout.JAVA_BYTE);
      long dataStart = LENGTH_BYTES + headerBytes;
      SafetensorsHeader header = SafetensorsHeader.parse(file, json, all.byteSize() - dataStart);
      return new Safetensors(file, arena, all, dataStart, header);
    } catch (Throwable e) { // even an Error must leave nothing open
      arena.close();
      throw e;
    }
  }

  private static MemorySegment map(Path file, Arena arena) throws IOException {
    if (Files.isDirectory(file)) {
      throw new IOException("cannot read " + file + ": it is a directory");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  /** The length of the header, checked against the file's size and the format's limit. */
  private static long headerBytes(Path file, MemorySegment all) throws CheckpointException {
    if (all.byteSize() < LENGTH_BYTES) {
      throw damaged(file, "%d bytes are too few for a header".formatted(all.byteSize()));
    }
    long length = all.get(LITTLE_ENDIAN_LONG, 0);
    if (length < 0 || length > all.byteSize() - LENGTH_BYTES) {
      throw damaged(
          file,
          "its header claims %s bytes of a file of %d"
              .formatted(Long.toUnsignedString(length), all.byteSize()));
    }
    if (length > MAX_HEADER) {
      throw damaged(
          file,
          "its header claims %d bytes, but at most %d are allowed".formatted(length, MAX_HEADER));
    }
    return length;
  }

  static CheckpointException damaged(Path file, String reason) {
    return new CheckpointException("%s is damaged: %s".formatted(file, reason));
  }

  /** The file. */
  public Path file() {
    return file;
  }

  /** The header's {@code __metadata__}, empty if there is none. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /** The names of all tensors, in the order of the header. */
  public Set<String> names() {
    return Collections.unmodifiableSet(header.entries().keySet());
  }

  /**
   * Compares header and data with the checksum of {@link SafetensorsWriter}; a file from another
   * program has none and passes.
   *
   * @throws CheckpointException if they differ
   */
  public void verify() throws CheckpointException {
    String expected = metadata().get(SafetensorsWriter.CHECKSUM);
    if (expected == null) {
      return;
    }
    CRC32C checksum = new CRC32C();
    long end = all.byteSize();
    for (long at = Math.min(SafetensorsWriter.CHECKED_FROM, end); at < end; at += PIECE) {
      checksum.update(all.asSlice(at, Math.min(PIECE, end - at)).asByteBuffer());
    }
    if (!SafetensorsWriter.digits(checksum).equals(expected)) {
      throw damaged(file, "it does not match its checksum");
    }
  }

  /** Total bytes of all tensors. */
  public long dataBytes() {
    return all.byteSize() - dataStart;
  }

  /** Whether there is a tensor with that name. */
  public boolean contains(String name) {
    return header.entries().containsKey(name);
  }

  /**
   * The position of a tensor of any dtype, even one that only other programs use.
   *
   * @param dtype the format's name: {@code F16}
   * @param dims its dimensions, none for a scalar
   * @param offset its first byte in the file
   */
  public record Place(String dtype, List<Integer> dims, long offset) {}

  /**
   * The position of the tensor with this name.
   *
   * @throws CheckpointException if there is no tensor with that name
   */
  public Place place(String name) throws CheckpointException {
    Entry entry = header.entries().get(name);
    if (entry == null) {
      throw new CheckpointException("%s has no tensor %s".formatted(file, name));
    }
    return new Place(entry.dtype(), entry.dims(), dataStart + entry.begin());
  }

  /**
   * The elements of a tensor, read-only, valid until this is closed.
   *
   * @throws CheckpointException if there is no tensor with that name, or it has another dtype or
   *     shape
   */
  public MemorySegment tensor(String name, DType dtype, Shape shape) throws CheckpointException {
    Entry entry = header.entries().get(name);
    String wanted = dtype + " " + shape;
    if (entry == null) {
      throw new CheckpointException(
          "%s has no tensor %s, which should be %s".formatted(file, name, wanted));
    }
    if (!entry.typeAndShape().equals(wanted)) {
      throw new CheckpointException(
          "%s: tensor %s is %s, but should be %s"
              .formatted(file, name, entry.typeAndShape(), wanted));
    }
    return all.asSlice(dataStart + entry.begin(), entry.end() - entry.begin());
  }

  /** Unmaps the file. Closing twice is harmless. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
