package dev.culebra.checkpoint;

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
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * Writes a {@code .safetensors} file as a whole or not at all. The tensors are copied piece by
 * piece, so that a model on a device needs no second copy on the host. A CRC-32C of the data stands
 * in the metadata.
 */
public final class SafetensorsWriter {
  /** Metadata key of the checksum: eight hexadecimal digits. */
  static final String CHECKSUM = "culebra.crc32c";

  private static final String NO_CHECKSUM = "00000000";
  private static final int PIECE = 8 << 20;
  private static final int HEADER_ALIGNMENT = 8;

  /**
   * A tensor to be written.
   *
   * @param name in the file
   * @param source gives the elements
   */
  public record Item(String name, DType dtype, Shape shape, Source source) {
    long bytes() {
      return shape.elements() * dtype.bytes();
    }
  }

  /** Gives the bytes of a tensor piece by piece. */
  @FunctionalInterface
  public interface Source {
    /** Copies the bytes from {@code offset} on into the whole of {@code piece}. */
    void read(MemorySegment piece, long offset);
  }

  private SafetensorsWriter() {}

  /**
   * Replaces {@code file}.
   *
   * @param metadata strings for the header
   * @throws IOException one line that names the file and the reason; the old file is then as it was
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

  /** Where the disk is the reason, how much was needed and is there. */
  private static String space(Path file, long needed) {
    try {
      FileStore store = Files.getFileStore(file.toAbsolutePath().getParent());
      long free = store.getUsableSpace();
      return free >= needed ? "" : " (%,d bytes needed, %,d free)".formatted(needed, free);
    } catch (IOException e) {
      return "";
    }
  }

  private static byte[] header(List<Item> items, Map<String, String> metadata) {
    ObjectNode json = Safetensors.JSON.createObjectNode();
    ObjectNode strings = json.putObject(Safetensors.METADATA).put(CHECKSUM, NO_CHECKSUM);
    new TreeMap<>(metadata).forEach(strings::put);
    long at = 0;
    for (Item item : items) {
      ObjectNode entry = json.putObject(item.name()).put("dtype", item.dtype().name());
      for (int i = 0; i < item.shape().rank(); i++) {
        entry.withArray("shape").add(item.shape().dim(i));
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
    ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    writeAll(channel, length.putLong(header.length).flip());
    writeAll(channel, ByteBuffer.wrap(header));
    CRC32C checksum = new CRC32C();
    ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
    for (Item item : items) {
      for (long at = 0; at < item.bytes(); at += PIECE) {
        piece.clear().limit((int) Math.min(PIECE, item.bytes() - at));
        item.source().read(MemorySegment.ofBuffer(piece), at);
        checksum.update(piece.duplicate());
        writeAll(channel, piece);
      }
    }
    patchChecksum(channel, header, checksum.getValue());
  }

  /** The checksum is known only after the data: it takes the place of zeros in the header. */
  private static void patchChecksum(FileChannel channel, byte[] header, long checksum)
      throws IOException {
    String text = new String(header, StandardCharsets.ISO_8859_1);
    String marker = "\"" + CHECKSUM + "\":\"";
    int at = text.indexOf(marker) + marker.length();
    byte[] digits = "%08x".formatted(checksum).getBytes(StandardCharsets.US_ASCII);
    ByteBuffer bytes = ByteBuffer.wrap(digits);
    for (long to = Safetensors.LENGTH_BYTES + at; bytes.hasRemaining(); ) {
      to += channel.write(bytes, to);
    }
  }

  private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }
}
