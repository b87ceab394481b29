package dev.culebra.data;

import java.io.IOException;
import java.io.InputStream;

/** A text that can be read again and again, in pieces, so that it need not fit into memory. */
public interface TextSource {
  /** For messages: a corpus' name or a path. */
  String name();

  /**
   * Passes the text to {@code sink} from beginning to end, in pieces of at most a few hundred
   * thousand characters, none of which ends within a surrogate pair.
   *
   * @throws IOException if it cannot be read; one line that names it
   * @throws DataException if it is not UTF-8; one line that names the file and the byte
   */
  void read(Sink sink) throws IOException;

  /** Takes the pieces of a text, and is told where its documents end. */
  @FunctionalInterface
  interface Sink {
    void accept(String piece) throws IOException;

    /** A document ends here: a file, or a line of JSON. Another may follow. */
    default void endDocument() throws IOException {}

    /** A file ends here, and with it its last document. */
    default void endFile() throws IOException {}
  }

  /** How many files it is in. */
  default int fileCount() {
    return 1;
  }

  /** The whole text. */
  default String readAll() throws IOException {
    StringBuilder text = new StringBuilder();
    read(text::append);
    return text.toString();
  }

  /** A text that is in memory. */
  static TextSource of(String name, String text) {
    return new TextSource() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public void read(Sink sink) throws IOException {
        sink.accept(text);
      }
    };
  }

  /** A text that comes once, in UTF-8: a second reading finds nothing. */
  static TextSource of(String name, InputStream in) {
    return new TextSource() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public void read(Sink sink) throws IOException {
        Utf8Reader.read(in, name, sink);
      }
    };
  }
}
