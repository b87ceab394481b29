package dev.culebra.data;

import dev.culebra.io.FileErrors;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * UTF-8 files one after another, each a document. Of a directory these are all files below it whose
 * name ends in .txt, .text or .md, in the order of their paths; names that begin with a dot are
 * left out. A file that is named itself may also be one of {@link JsonTexts}, a document a line.
 */
public final class TextFiles implements TextSource {
  private static final List<String> SUFFIXES = List.of(".txt", ".text", ".md");

  private final String name;
  private final List<Path> files;

  private TextFiles(String name, List<Path> files) {
    this.name = name;
    this.files = files;
  }

  /**
   * The text of a file or of the files in a directory.
   *
   * @throws DataException if there is no such file, or no text file in the directory
   * @throws IOException if a directory cannot be read
   */
  public static TextFiles of(Path path) throws IOException {
    return of(List.of(path));
  }

  /**
   * The texts of several files or directories, in the order given.
   *
   * @throws DataException if there is no such file, or no text file in a directory
   * @throws IOException if a directory cannot be read
   */
  public static TextFiles of(List<Path> paths) throws IOException {
    if (paths.isEmpty()) {
      throw new DataException("no text file is named");
    }
    List<Path> files = new ArrayList<>();
    for (Path path : paths) {
      files.addAll(filesOf(path));
    }
    String more = paths.size() == 1 ? "" : " and %d more".formatted(paths.size() - 1);
    return new TextFiles(paths.getFirst() + more, List.copyOf(files));
  }

  /** The files, in order. */
  public List<Path> files() {
    return files;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public void read(Sink sink) throws IOException {
    for (Path file : files) {
      if (JsonTexts.isOne(file)) {
        JsonTexts.read(file, sink);
        continue;
      }
      try (InputStream in = open(file)) {
        Utf8Reader.read(in, file.toString(), sink);
      }
      sink.endDocument();
    }
  }

  private static InputStream open(Path file) throws IOException {
    try {
      return Files.newInputStream(file);
    } catch (IOException e) {
      throw cannotRead(file, e);
    }
  }

  private static List<Path> filesOf(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new DataException("no such file: " + path);
    }
    if (!Files.isDirectory(path)) {
      return List.of(path);
    }
    List<Path> files;
    try (Stream<Path> below = Files.walk(path)) {
      files = below.filter(file -> isText(path.relativize(file))).sorted().toList();
    } catch (UncheckedIOException e) {
      throw cannotRead(path, e.getCause());
    } catch (IOException e) {
      throw cannotRead(path, e);
    }
    files = files.stream().filter(Files::isRegularFile).toList();
    if (files.isEmpty()) {
      throw new DataException(
          "no text files in %s: their names must end in %s"
              .formatted(path, String.join(", ", SUFFIXES)));
    }
    return files;
  }

  /** Whether the name of a file, seen from the directory asked for, is one of a text. */
  private static boolean isText(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return SUFFIXES.stream().anyMatch(name::endsWith)
        && StreamSupport.stream(file.spliterator(), false)
            .noneMatch(part -> part.toString().startsWith("."));
  }

  private static IOException cannotRead(Path path, IOException e) {
    return new IOException("cannot read " + path + ": " + FileErrors.reason(e), e);
  }
}
