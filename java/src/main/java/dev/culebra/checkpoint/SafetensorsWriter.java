package dev.culebra.checkpoint;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.io.AtomicFile;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * Writes a {@code .safetensors} file completely or not at all. Tensors are copied in pieces, so
 * that a model on a device needs no second copy on the host. A CRC-32C comes first in the metadata,
 * at a fixed position, and covers everything after itself: names, metadata and data.
 */
public final class SafetensorsWriter {
  /** Metadata key of the checksum: eight hexadecimal digits. */
  static final String CHECKSUM = "culebra.crc32c";

  private static final String NO_CHECKSUM = "00000000";
  private static final String UP_TO_CHECKSUM =
      "{\"" + SafetensorsHeader.METADATA + "\":{\"" + CHECKSUM + "\":\"";
  private static final int CHECKSUM_AT = Safetensors.LENGTH_BYTES + UP_TO_CHECKSUM.length();

  /** The checksum covers the file's bytes from here on. */
  static final int CHECKED_FROM = CHECKSUM_AT + NO_CHECKSUM.length();

  private static final int PIECE = 8 << 20;
  private static final int HEADER_ALIGNMENT = 8;

  /**
   * A tensor to write.
   *
   * @param name in the file
   * @param source provides the elements
   */
  public record Item(String name, DType dtype, Shape shape, Source source) {
    long bytes() {
      return shape.elements() * dtype.bytes();
    }
  }

  /** Provides the bytes of a tensor in pieces. */
  @FunctionalInterface
  public interface Source {
    /** Fills {@code piece} with the bytes from {@code offset} on. */
    void read(MemorySegment piece, long offset);
  }

  private SafetensorsWriter() {}

  /**
   * Replaces {@code file}.
   *
   * @param items in the order of the file, with unique names
   * @param metadata strings for the header; {@link #CHECKSUM} is set here
   * @throws IOException with one line that names the file and the reason; the old file is then
   *     unchanged
   */
  public static void write(Path file, List<Item> items, Map<String, String> metadata)
      throws IOException {
    byte[] header = header(items, metadata);
    long total =
        Safetensors.LENGTH_BYTES + header.length + items.stream().mapToLong(Item::bytes).sum();
    try {
      AtomicFile.write(file, channel -> write(channel, header, items));
    } catch (IOException e) {
      throw new IOException(e.getMessage() + space(file, total), e);
    }
  }

  /** If the disk is full, the needed and the free space. */
  private static String space(Path file, long needed) {
    Path directory = file.toAbsolutePath().getParent();
    if (directory == null) {
      return "";
    }
    try {
      long free = Files.getFileStore(directory).getUsableSpace();
      return free >= needed ? "" : " (%,d bytes needed, %,d free)".formatted(needed, free);
    } catch (IOException e) {
      return "";
    }
  }

  private static byte[] header(List<Item> items, Map<String, String> metadata) {
    ObjectNode json = SafetensorsHeader.JSON.createObjectNode();
    ObjectNode strings = json.putObject(SafetensorsHeader.METADATA).put(CHECKSUM, NO_CHECKSUM);
    new TreeMap<>(metadata).forEach(strings::put);
    strings.put(CHECKSUM, NO_CHECKSUM);
    long at = 0;
    for (Item item : items) {
      if (json.has(item.name())) {
        throw new IllegalArgumentException("two tensors cannot have the name " + item.name());
      }
      ObjectNode entry = json.putObject(item.name()).put("dtype", item.dtype().name());
      ArrayNode dims = entry.putArray("shape");
      for (int i = 0; i < item.shape().rank(); i++) {
        dims.add(item.shape().dim(i));
      }
      entry.putArray("data_offsets").add(at).add(at + item.bytes());
      at += item.bytes();
    }
    String text = json.toString();
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    return (text + " ".repeat(-bytes & (HEADER_ALIGNMENT - 1))).getBytes(StandardCharsets.UTF_8);
  }

  private static void write(FileChannel channel, byte[] header, List<Item> items)
      throws IOException {
    ByteBuffer start =
        ByteBuffer.allocate(Safetensors.LENGTH_BYTES + header.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .put(header)
            .flip();
    CRC32C checksum = new CRC32C();
    checksum.update(start.duplicate().position(CHECKED_FROM));
    writeAll(channel, start);
    ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
    for (Item item : items) {
      for (long at = 0; at < item.bytes(); at += PIECE) {
        piece.clear().limit((int) Math.min(PIECE, item.bytes() - at));
        item.source().read(MemorySegment.ofBuffer(piece), at);
        checksum.update(piece.duplicate());
        writeAll(channel, piece);
      }
    }
    // The checksum is known only now and replaces zeros.
    channel.position(CHECKSUM_AT);
    writeAll(channel, ByteBuffer.wrap(digits(checksum).getBytes(StandardCharsets.US_ASCII)));
  }

  /** Eight hexadecimal digits. */
  static String digits(CRC32C checksum) {
    return HexFormat.of().toHexDigits(checksum.getValue(), NO_CHECKSUM.length());
  }

  private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
