package dev.culebra.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Safetensors files built by hand: as written by other programs, or malformed. */
final class ForeignFile {
  private ForeignFile() {}

  /** A length, a header and data that fit together. */
  static byte[] of(String header, byte... data) {
    return of(header.getBytes(StandardCharsets.UTF_8), data);
  }

  static byte[] of(byte[] header, byte... data) {
    return withLength(header.length, header, data);
  }

  /** A header with a wrong length field. */
  static byte[] withLength(long length, byte[] header, byte... data) {
    return ByteBuffer.allocate(Long.BYTES + header.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(length)
        .put(header)
        .put(data)
        .array();
  }

  /** Little-endian singles. */
  static byte[] floats(float... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return bytes.array();
  }
}
