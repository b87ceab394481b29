package dev.culebra.data;

import dev.culebra.io.FileErrors;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** Opens text files and decompresses those in gzip's format, which never begins like UTF-8. */
final class TextInput extends FilterInputStream {
  /** Follows the usual ending in the name of a compressed file. */
  static final String PACKED = ".gz";

  private static final int BUFFER = 1 << 16;
  private static final int[] GZIP = {0x1F, 0x8B};

  private final Path file;

  private TextInput(Path file, InputStream in) {
    super(in);
    this.file = file;
  }

  /** The name of a file in lower case, without the ending of compressed files. */
  static String unpackedName(Path file) {
    String name = file.toString().toLowerCase(Locale.ROOT);
    return name.endsWith(PACKED) ? name.substring(0, name.length() - PACKED.length()) : name;
  }

  /**
   * Opens a file.
   *
   * @return a stream that throws a {@link DataException} when it reaches damaged data
   * @throws DataException if it is gzip's and damaged; one line that names it
   * @throws IOException if it cannot be opened; one line that names it
   */
  static InputStream open(Path file) throws IOException {
    InputStream in = null;
    try {
      in = new BufferedInputStream(Files.newInputStream(file), BUFFER);
      in.mark(GZIP.length);
      boolean packed = in.read() == GZIP[0] && in.read() == GZIP[1];
      in.reset();
      return new TextInput(file, packed ? new GZIPInputStream(in, BUFFER) : in);
    } catch (IOException e) {
      if (in != null) {
        in.close();
      }
      if (e instanceof ZipException || e instanceof EOFException) {
        throw damaged(file, e);
      }
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  @Override
  public int read() throws IOException {
    try {
      return in.read();
    } catch (ZipException | EOFException e) {
      throw damaged(file, e);
    }
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    try {
      return in.read(into, offset, length);
    } catch (ZipException | EOFException e) {
      throw damaged(file, e);
    }
  }

  private static DataException damaged(Path file, IOException e) {
    String fault = e instanceof EOFException ? "it is cut off" : e.getMessage();
    return new DataException("%s is damaged: gzip cannot unpack it: %s".formatted(file, fault), e);
  }
}
