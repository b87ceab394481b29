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
import java.util.Set;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * UTF-8 files one after another. Each is a document, or has one per line if it is a file of {@link
 * JsonTexts}. A directory stands for all files below it whose name ends in .txt, .text, .md or
 * .jsonl, in the order of their paths; names that begin with a dot are left out. Any may be packed
 * by gzip; its name then ends in .gz as well.
 */
public final class TextFiles implements TextSource {
  private static final List<String> SUFFIXES = List.of(".txt", ".text", ".md", ".jsonl");

  /** The endings that were read in a directory before 2026-11-28; compressed files were not. */
  private static final List<String> OLD_SUFFIXES = List.of(".txt", ".text", ".md");

  private final String name;
  private final List<Path> files;

  /** Those that were named themselves. */
  private final Set<Path> named;

  private TextFiles(String name, List<Path> files, List<Path> named) {
    this.name = name;
    this.files = files;
    this.named = Set.copyOf(named);
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
    String more = paths.size() == 1 ? "" : " and %d more".formatted(paths.size() - 1);
    return of(paths.getFirst() + more, paths, false);
  }

  /**
   * The same under another name.
   *
   * @param asBefore whether a directory has the files that it had before 2026-11-28
   */
  static TextFiles of(String name, List<Path> paths, boolean asBefore) throws IOException {
    List<Path> files = new ArrayList<>();
    for (Path path : paths) {
      files.addAll(filesOf(path, asBefore));
    }
    return new TextFiles(name, List.copyOf(files), paths);
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
  public int fileCount() {
    return files.size();
  }

  @Override
  public void read(Sink sink) throws IOException {
    for (Path file : files) {
      if (named.contains(file) ? JsonTexts.matches(file) : JsonTexts.hasItsEnding(file)) {
        JsonTexts.read(file, sink);
      } else {
        try (InputStream in = TextInput.open(file)) {
          Utf8Reader.read(in, file.toString(), sink);
        }
        sink.endDocument();
      }
      sink.endFile();
    }
  }

  private static List<Path> filesOf(Path path, boolean asBefore) throws IOException {
    if (!Files.exists(path)) {
      throw new DataException("no such file: " + path);
    }
    if (!Files.isDirectory(path)) {
      return List.of(path);
    }
    List<Path> files;
    try (Stream<Path> below = Files.walk(path)) {
      files = below.filter(file -> isText(path.relativize(file), asBefore)).sorted().toList();
    } catch (UncheckedIOException e) {
      throw cannotRead(path, e.getCause());
    } catch (IOException e) {
      throw cannotRead(path, e);
    }
    files = files.stream().filter(Files::isRegularFile).toList();
    if (files.isEmpty()) {
      throw new DataException(
          "no text files in %s: their names must end in %s, or in one of these and %s"
              .formatted(path, String.join(", ", SUFFIXES), TextInput.PACKED));
    }
    return files;
  }

  /** Whether a file's name, relative to the given directory, is that of a text. */
  private static boolean isText(Path file, boolean asBefore) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    boolean called =
        asBefore
            ? OLD_SUFFIXES.stream().anyMatch(name::endsWith)
            : SUFFIXES.stream().anyMatch(TextInput.unpackedName(file)::endsWith);
    return called
        && StreamSupport.stream(file.spliterator(), false)
            .noneMatch(part -> part.toString().startsWith("."));
  }

  private static IOException cannotRead(Path path, IOException e) {
    return new IOException("cannot read " + path + ": " + FileErrors.reason(e), e);
  }
}
