package dev.culebra.data;

import dev.culebra.io.FileErrors;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.PatternSyntaxException;
import java.util.stream.StreamSupport;

/**
 * Paths with {@code *}, {@code ?}, {@code [abc]} or <code>{a,b}</code> in some of their names, as a
 * shell expands them. A name that exists as it is written stands for itself.
 */
final class Glob {
  private Glob() {}

  /** Whether {@code path} is a pattern and not the path of something that exists. */
  static boolean isPattern(Path path) {
    return hasWildcards(path.toString()) && !Files.exists(path);
  }

  /**
   * The files that match a pattern, sorted by path.
   *
   * @throws DataException with one line, if nothing matches or the pattern is invalid
   * @throws IOException if a directory cannot be read
   */
  static List<Path> expand(Path pattern) throws IOException {
    List<Path> found = List.of(pattern.isAbsolute() ? pattern.getRoot() : Path.of(""));
    for (Path name : pattern) {
      List<Path> next = new ArrayList<>();
      for (Path directory : found) {
        next.addAll(matches(directory, name, pattern));
      }
      found = next;
    }
    if (found.isEmpty()) {
      throw new DataException("no file matches " + pattern);
    }
    return found.stream().sorted().toList();
  }

  private static List<Path> matches(Path directory, Path name, Path pattern) throws IOException {
    Path literal = directory.resolve(name);
    if (Files.exists(literal)) {
      return List.of(literal);
    }
    if (!hasWildcards(name.toString()) || !Files.isDirectory(directory.resolve("."))) {
      return List.of();
    }
    PathMatcher matcher;
    try {
      matcher = directory.getFileSystem().getPathMatcher("glob:" + name);
    } catch (PatternSyntaxException e) {
      throw new DataException(
          "%s is not a valid pattern: %s".formatted(pattern, e.getDescription()), e);
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory.resolve("."))) {
      return StreamSupport.stream(entries.spliterator(), false)
          .map(Path::getFileName)
          .filter(entry -> !entry.toString().startsWith(".") && matcher.matches(entry))
          .map(directory::resolve)
          .toList();
    } catch (IOException e) {
      throw new IOException("cannot read " + directory + ": " + FileErrors.reason(e), e);
    }
  }

  private static boolean hasWildcards(String path) {
    return path.chars().anyMatch(character -> "*?[{".indexOf(character) >= 0);
  }
}
