package dev.culebra.data;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** How a token is stored: little-endian, in files and in memory. */
enum TokenWidth {
  UINT16(2),
  INT32(4);

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Vocabularies up to this size fit into 16 bits. */
  static final int MAX_UINT16_VOCAB = 1 << 16;

  private final int bytes;

  TokenWidth(int bytes) {
    this.bytes = bytes;
  }

  /** The narrowest for a vocabulary. */
  static TokenWidth of(int vocab) {
    return vocab <= MAX_UINT16_VOCAB ? UINT16 : INT32;
  }

  /** For messages: {@code 16-bit}. */
  String label() {
    return 8 * bytes + "-bit";
  }

  int bytes() {
    return bytes;
  }

  int get(MemorySegment segment, long index) {
    return this == UINT16
        ? Short.toUnsignedInt(segment.getAtIndex(SHORT, index))
        : segment.getAtIndex(INT, index);
  }

  void set(MemorySegment segment, long index, int token) {
    if (this == UINT16) {
      segment.setAtIndex(SHORT, index, (short) token);
    } else {
      segment.setAtIndex(INT, index, token);
    }
  }
}
