package dev.culebra.io;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Creates a folder of files as a whole: the files are written to a temporary folder beside it,
 * which is then renamed. If the folder already exists, each file is moved into it instead and
 * replaces the one of its name; other files stay.
 */
public final class AtomicFolder {
  private static final String SUFFIX = ".tmp";

  private AtomicFolder() {}

  /** Writes files into an empty folder. */
  @FunctionalInterface
  public interface Body {
    void writeTo(Path folder) throws IOException;
  }

  /** Whether {@code folder} holds nothing or does not exist. */
  public static boolean isEmpty(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return true;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      return !files.iterator().hasNext();
    } catch (IOException e) {
      throw new IOException("cannot write to " + folder + ": " + FileErrors.reason(e), e);
    }
  }

  /**
   * Writes the files of {@code body}. If it fails, {@code target} is unchanged.
   *
   * @throws IOException with one line that names the target or a file, and the reason
   */
  public static void write(Path target, Body body) throws IOException {
    Path absolute = target.toAbsolutePath().normalize();
    Path temporary =
        absolute.resolveSibling("." + absolute.getFileName() + "." + UUID.randomUUID() + SUFFIX);
    try {
      make(target, temporary);
      body.writeTo(temporary);
      move(target, temporary, absolute);
    } finally {
      removeAll(temporary);
    }
  }

  private static void make(Path target, Path temporary) throws IOException {
    try {
      Files.createDirectories(temporary);
    } catch (IOException e) {
      throw new IOException("cannot make " + target + ": " + FileErrors.reason(e), e);
    }
  }

  private static void move(Path target, Path temporary, Path absolute) throws IOException {
    try {
      if (!Files.exists(absolute)) {
        Files.move(temporary, absolute, StandardCopyOption.ATOMIC_MOVE);
        return;
      }
      for (Path file : below(temporary)) {
        if (!file.equals(temporary)) {
          Path name = absolute.resolve(temporary.relativize(file));
          Files.move(file, name, StandardCopyOption.ATOMIC_MOVE);
        }
      }
    } catch (IOException e) {
      throw new IOException("cannot write to " + target + ": " + FileErrors.reason(e), e);
    }
  }

  private static void removeAll(Path folder) throws IOException {
    if (Files.exists(folder)) {
      for (Path file : below(folder).reversed()) {
        Files.deleteIfExists(file);
      }
    }
  }

  /** The folder, then everything in it. */
  private static List<Path> below(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.sorted(Comparator.naturalOrder()).toList();
    }
  }
}
