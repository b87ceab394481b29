package dev.culebra.text;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.function.IntFunction;

/** Decodes tokens that represent UTF-8 bytes and may end inside a character. */
final class Utf8TokenDecoder implements TokenDecoder {
  /** A character has at most four bytes, so at most three are pending. */
  private static final int LONGEST_PREFIX = 3;

  private final IntFunction<byte[]> bytesOf;
  private final CharsetDecoder utf8 =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);
  private final byte[] waiting = new byte[LONGEST_PREFIX];
  private int waitingCount;

  Utf8TokenDecoder(IntFunction<byte[]> bytesOf) {
    this.bytesOf = bytesOf;
  }

  @Override
  public String accept(int token) {
    return decode(bytesOf.apply(token), false);
  }

  @Override
  public String finish() {
    String rest = decode(new byte[0], true);
    utf8.reset();
    return rest;
  }

  private String decode(byte[] bytes, boolean end) {
    ByteBuffer in = ByteBuffer.allocate(waitingCount + bytes.length);
    in.put(waiting, 0, waitingCount).put(bytes).flip();
    CharBuffer out = CharBuffer.allocate(in.remaining());
    utf8.decode(in, out, end);
    waitingCount = in.remaining();
    in.get(waiting, 0, waitingCount);
    return out.flip().toString();
  }
}
