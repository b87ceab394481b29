package dev.culebra.data;

import java.io.IOException;
import java.io.InputStream;

/** A text that can be read repeatedly, in pieces, so that it need not fit into memory. */
public interface TextSource {
  /** A corpus name or a path, for messages. */
  String name();

  /**
   * Passes the text to {@code sink} from start to end, in pieces of at most a few hundred thousand
   * characters, none of which ends inside a surrogate pair.
   *
   * @throws IOException with one line that names it, if it cannot be read
   * @throws DataException with one line that names the file and the byte, if it is not UTF-8
   */
  void read(Sink sink) throws IOException;

  /** Receives the pieces of a text and the ends of its documents. */
  @FunctionalInterface
  interface Sink {
    void accept(String piece) throws IOException;

    /** A document (a file or a line of JSON) ends here. Another may follow. */
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

  /** A text in memory. */
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

  /** A UTF-8 text that can be read only once: a second reading finds nothing. */
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
