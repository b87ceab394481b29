package dev.culebra.checkpoint;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.io.FileErrors;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * A {@code .safetensors} file, mapped into memory: an 8-byte little-endian header length, a JSON
 * header with the dtype, shape and place of each tensor, then the data. The file is not trusted:
 * everything the header claims is checked against the file's size before it is used, and nothing of
 * a claimed size is allocated. Thread-safe until closed.
 */
public final class Safetensors implements AutoCloseable {
  static final String METADATA = "__metadata__";
  static final int LENGTH_BYTES = Long.BYTES;
  private static final long MAX_HEADER = 100L << 20;
  private static final int MAX_DEPTH = 10;
  private static final long PIECE = 64 << 20;
  private static final ValueLayout.OfLong LITTLE_ENDIAN_LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
                  .build())
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /**
   * What the header says of a tensor.
   *
   * @param dtype as the format names it: {@code F32}, {@code BF16}, {@code I64} …
   * @param dims outermost first; empty for a scalar
   * @param begin first byte in the data
   * @param end behind its last byte
   */
  record Entry(String dtype, int[] dims, long begin, long end) {}

  private final Path file;
  private final Arena arena;
  private final MemorySegment data;
  private final Map<String, Entry> entries;
  private final Map<String, String> metadata;

  private Safetensors(
      Path file,
      Arena arena,
      MemorySegment data,
      Map<String, Entry> entries,
      Map<String, String> metadata) {
    this.file = file;
    this.arena = arena;
    this.data = data;
    this.entries = entries;
    this.metadata = metadata;
  }

  /**
   * Maps a file and checks its header.
   *
   * @throws CheckpointException if it is not a whole and sound safetensors file
   * @throws IOException if it cannot be read; one line that names it
   */
  public static Safetensors open(Path file) throws IOException {
    Arena arena = Arena.ofShared();
    try {
      MemorySegment all = map(file, arena);
      MemorySegment header = header(file, all);
      MemorySegment data = all.asSlice(LENGTH_BYTES + header.byteSize());
      SafetensorsHeader parsed = SafetensorsHeader.parse(file, json(file, header), data.byteSize());
      return new Safetensors(file, arena, data, parsed.entries(), parsed.metadata());
    } catch (IOException | RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  private static MemorySegment map(Path file, Arena arena) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  private static MemorySegment header(Path file, MemorySegment all) throws CheckpointException {
    if (all.byteSize() < LENGTH_BYTES) {
      throw damaged(file, "%d bytes are too few for a header".formatted(all.byteSize()));
    }
    long length = all.get(LITTLE_ENDIAN_LONG, 0);
    if (length < 0 || length > Math.min(MAX_HEADER, all.byteSize() - LENGTH_BYTES)) {
      throw damaged(
          file,
          "its header claims %s bytes of a file of %d"
              .formatted(Long.toUnsignedString(length), all.byteSize()));
    }
    return all.asSlice(LENGTH_BYTES, length);
  }

  private static JsonNode json(Path file, MemorySegment header) throws CheckpointException {
    try {
      return JSON.readTree(header.toArray(ValueLayout.JAVA_BYTE));
    } catch (JsonProcessingException e) {
      String reason = e.getOriginalMessage().lines().findFirst().orElse("");
      throw new CheckpointException(
          "%s is damaged: its header is not JSON (%s)".formatted(file, reason), e);
    } catch (IOException e) {
      throw new CheckpointException("%s is damaged: its header is not UTF-8".formatted(file), e);
    }
  }

  static CheckpointException damaged(Path file, String reason) {
    return new CheckpointException("%s is damaged: %s".formatted(file, reason));
  }

  /** The file. */
  public Path file() {
    return file;
  }

  /** The header's {@code __metadata__}, empty where there is none. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** Names and entries, in the order of the header. */
  Map<String, Entry> entries() {
    return entries;
  }

  /**
   * Compares the data with the checksum that {@link SafetensorsWriter} left; a file of another
   * program has none and passes.
   *
   * @throws CheckpointException if they differ
   */
  public void verify() throws CheckpointException {
    String expected = metadata.get(SafetensorsWriter.CHECKSUM);
    if (expected == null) {
      return;
    }
    CRC32C checksum = new CRC32C();
    for (long at = 0; at < data.byteSize(); at += PIECE) {
      checksum.update(data.asSlice(at, Math.min(PIECE, data.byteSize() - at)).asByteBuffer());
    }
    if (!"%08x".formatted(checksum.getValue()).equals(expected)) {
      throw damaged(file, "its data does not match its checksum");
    }
  }

  /** Whether there is a tensor of that name. */
  public boolean contains(String name) {
    return entries.containsKey(name);
  }

  /**
   * The elements of a tensor, read-only, valid until this is closed.
   *
   * @throws CheckpointException if there is none of that name, or it has another dtype or shape
   */
  public MemorySegment tensor(String name, DType dtype, Shape shape) throws CheckpointException {
    Entry entry = entries.get(name);
    String wanted = dtype + " " + shape;
    if (entry == null) {
      throw new CheckpointException(
          "%s has no tensor %s, which should be %s".formatted(file, name, wanted));
    }
    String found = entry.dtype + " " + SafetensorsHeader.text(entry.dims);
    if (!found.equals(wanted)) {
      throw new CheckpointException(
          "%s: tensor %s is %s, but should be %s".formatted(file, name, found, wanted));
    }
    return data(entry);
  }

  MemorySegment data(Entry entry) {
    return data.asSlice(entry.begin, entry.end - entry.begin);
  }

  /** Unmaps the file. Closing twice is harmless. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  static <V> Map<String, V> inOrder(Map<String, V> map) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(map));
  }
}
