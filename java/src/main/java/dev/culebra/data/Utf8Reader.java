package dev.culebra.data;

import dev.culebra.io.FileErrors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Reads UTF-8 strictly. A byte order mark at the start is dropped, and CR LF becomes LF, so that a
 * text has the same characters from any system; everything else is unchanged.
 */
final class Utf8Reader {
  private static final int BUFFER = 1 << 18;
  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private final String name;
  private final TextSource.Sink sink;
  private final CharsetDecoder utf8 =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT);
  private final ByteBuffer bytes = ByteBuffer.allocate(BUFFER);

  /**
   * Always large enough: a character has at most as many UTF-16 units as bytes. One more for a held
   * CR.
   */
  private final CharBuffer chars = CharBuffer.allocate(BUFFER + 1);

  private long consumed;
  private boolean started;

  private Utf8Reader(String name, TextSource.Sink sink) {
    this.name = name;
    this.sink = sink;
  }

  /**
   * Passes the text of {@code in} to {@code sink}.
   *
   * @throws DataException if it is not UTF-8
   */
  static void read(InputStream in, String name, TextSource.Sink sink) throws IOException {
    new Utf8Reader(name, sink).read(in);
  }

  private void read(InputStream in) throws IOException {
    boolean end = false;
    while (!end) {
      int count = readBytes(in);
      end = count < 0;
      bytes.position(bytes.position() + Math.max(count, 0)).flip();
      CoderResult result = utf8.decode(bytes, chars, end);
      if (result.isError()) {
        throw new DataException(
            "%s is not valid UTF-8 at byte %d: save it as UTF-8"
                .formatted(name, consumed + bytes.position()));
      }
      consumed += bytes.position();
      bytes.compact();
      pass(end);
    }
  }

  private int readBytes(InputStream in) throws IOException {
    try {
      return in.read(bytes.array(), bytes.position(), bytes.remaining());
    } catch (IOException e) {
      throw new IOException("cannot read " + name + ": " + FileErrors.reason(e), e);
    }
  }

  /** Passes on decoded text, except a CR at the end, which depends on the next character. */
  private void pass(boolean end) throws IOException {
    chars.flip();
    if (!started && chars.hasRemaining()) {
      started = true;
      if (chars.get(0) == BYTE_ORDER_MARK) {
        chars.position(1);
      }
    }
    int last = chars.limit() - 1;
    boolean hold = !end && chars.hasRemaining() && chars.get(last) == '\r';
    chars.limit(hold ? last : last + 1);
    if (chars.hasRemaining()) {
      sink.accept(chars.toString().replace("\r\n", "\n"));
    }
    chars.clear();
    if (hold) {
      chars.put('\r');
    }
  }
}
