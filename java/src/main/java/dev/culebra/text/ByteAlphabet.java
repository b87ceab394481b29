package dev.culebra.text;

import java.util.Arrays;

/**
 * The alphabet for bytes in files of byte-level BPE: each byte is one printable character.
 * Printable ASCII and Latin-1 characters represent themselves; the other 68 bytes, in order, are
 * U+0100, U+0101 and so on. A space is {@code Ġ}, a line end {@code Ċ}.
 */
public final class ByteAlphabet {
  private static final int BYTES = 256;
  private static final char FIRST_STAND_IN = 0x100;

  /** The character of each byte. */
  private static final char[] CHARACTERS = characters();

  /** The byte of each character up to the highest in the alphabet, or -1. */
  private static final short[] BYTE_OF = byteOf();

  private ByteAlphabet() {}

  private static char[] characters() {
    char[] characters = new char[BYTES];
    char next = FIRST_STAND_IN;
    for (int b = 0; b < BYTES; b++) {
      characters[b] = isPrintable(b) ? (char) b : next++;
    }
    return characters;
  }

  private static boolean isPrintable(int b) {
    return b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE && b <= 0xFF;
  }

  private static short[] byteOf() {
    int last = FIRST_STAND_IN;
    for (char character : CHARACTERS) {
      last = Math.max(last, character);
    }
    short[] bytes = new short[last + 1];
    Arrays.fill(bytes, (short) -1);
    for (int b = 0; b < BYTES; b++) {
      bytes[CHARACTERS[b]] = (short) b;
    }
    return bytes;
  }

  /** The character for {@code b}, an unsigned byte. */
  public static char character(int b) {
    return CHARACTERS[b];
  }

  /** What {@code bytes} are written as. */
  public static String written(byte[] bytes) {
    StringBuilder written = new StringBuilder(bytes.length);
    for (byte b : bytes) {
      written.append(CHARACTERS[Byte.toUnsignedInt(b)]);
    }
    return written.toString();
  }

  /**
   * The bytes represented by {@code written}.
   *
   * @return null if a character is not in the alphabet
   */
  public static byte[] bytes(String written) {
    byte[] bytes = new byte[written.length()];
    for (int i = 0; i < bytes.length; i++) {
      char character = written.charAt(i);
      if (character >= BYTE_OF.length || BYTE_OF[character] < 0) {
        return null;
      }
      bytes[i] = (byte) BYTE_OF[character];
    }
    return bytes;
  }
}
