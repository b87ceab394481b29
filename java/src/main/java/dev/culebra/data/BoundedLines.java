package dev.culebra.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;

/**
 * Lines of UTF-8, limited in length so that one always fits into memory. A byte order mark at the
 * beginning and the CR of CR LF are left out.
 */
final class BoundedLines {
  /** Most characters of a line; Jackson reads texts that are a little longer. */
  static final int LONGEST = 1 << 24;

  private static final int BUFFER = 1 << 16;

  private final Reader in;
  private final char[] buffer = new char[BUFFER];
  private int next;
  private int end;
  private boolean started;

  BoundedLines(InputStream in) {
    this.in = new InputStreamReader(in, UTF_8.newDecoder()); // reports what is not UTF-8
  }

  /** A line is too long. */
  static final class TooLongException extends IOException {
    private TooLongException() {
      super("a line has more than %,d characters".formatted(LONGEST));
    }
  }

  /**
   * The next line without its line end; null after the last.
   *
   * @throws TooLongException if it is longer than {@link #LONGEST}
   * @throws java.nio.charset.CharacterCodingException if it, or a line soon after it, is not UTF-8
   */
  String next() throws IOException {
    StringBuilder line = new StringBuilder();
    boolean some = false;
    while (fill()) {
      some = true;
      int start = next;
      while (next < end && buffer[next] != '\n') {
        next++;
      }
      if (line.length() + next - start > LONGEST) {
        throw new TooLongException();
      }
      line.append(buffer, start, next - start);
      if (next < end) {
        next++;
        break;
      }
    }
    return some ? withoutExtras(line) : null;
  }

  private boolean fill() throws IOException {
    if (next == end) {
      next = 0;
      end = Math.max(0, in.read(buffer));
    }
    return next < end;
  }

  private String withoutExtras(StringBuilder line) {
    if (!started && line.indexOf("\uFEFF") == 0) {
      line.deleteCharAt(0);
    }
    started = true;
    int last = line.length() - 1;
    return last >= 0 && line.charAt(last) == '\r' ? line.substring(0, last) : line.toString();
  }
}
