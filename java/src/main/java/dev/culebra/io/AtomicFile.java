package dev.culebra.io;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/**
 * Replaces a whole file: the bytes are written to a temporary file beside the target and forced to
 * disk, the temporary file is renamed to the target, and the directory is forced too. At any
 * moment, even after a crash, the target has either its old content or all of the new.
 *
 * <p>Thread-safe; if several writers replace one target, the last to finish wins.
 */
public final class AtomicFile {
  private static final String SUFFIX = ".tmp";

  /** A temporary file untouched for this long was left behind by a killed process. */
  private static final Duration ABANDONED = Duration.ofHours(1);

  private AtomicFile() {}

  /** Writes a file's whole content to a channel that is open for writing and reading. */
  @FunctionalInterface
  public interface Body {
    void writeTo(FileChannel channel) throws IOException;
  }

  /**
   * Replaces {@code target} with what {@code body} writes; its directory must exist. If anything
   * fails, the target is unchanged and the temporary file is removed.
   *
   * @throws IOException with one line that names the target and the reason
   */
  public static void write(Path target, Body body) throws IOException {
    Path absolute = target.toAbsolutePath();
    Path directory = absolute.getParent();
    if (directory == null || Files.isDirectory(absolute)) {
      throw new IOException("cannot write " + target + ": it is a directory");
    }
    String prefix = prefix(absolute);
    Path temporary = directory.resolve(prefix + UUID.randomUUID() + SUFFIX);
    try {
      removeOlderThan(Instant.now().minus(ABANDONED), directory, prefix);
      try (FileChannel channel = FileChannel.open(temporary, CREATE_NEW, READ, WRITE)) {
        body.writeTo(channel);
        channel.force(true);
      }
      Files.move(temporary, absolute, StandardCopyOption.ATOMIC_MOVE);
      force(directory);
    } catch (IOException e) {
      throw new IOException("cannot write " + target + ": " + FileErrors.reason(e), e);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  /**
   * Replaces {@code target} with {@code content}.
   *
   * @throws IOException with one line that names the target and the reason
   */
  public static void write(Path target, byte[] content) throws IOException {
    write(
        target,
        channel -> {
          ByteBuffer bytes = ByteBuffer.wrap(content);
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        });
  }

  /**
   * Replaces {@code target} with {@code text} in UTF-8.
   *
   * @throws IOException with one line that names the target and the reason
   */
  public static void write(Path target, String text) throws IOException {
    write(target, text.getBytes(StandardCharsets.UTF_8));
  }

  private static void force(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, READ)) {
      channel.force(true);
    }
  }

  /**
   * Removes the temporary files of {@code target} that killed processes left behind, of any age.
   * Only for a caller who knows that no other process is writing it. Files that cannot be removed
   * stay.
   */
  public static void removeLeftovers(Path target) {
    Path absolute = target.toAbsolutePath();
    try {
      removeOlderThan(Instant.MAX, absolute.getParent(), prefix(absolute));
    } catch (IOException e) {
      // leftovers only take up space
    }
  }

  private static String prefix(Path target) {
    return "." + target.getFileName() + ".";
  }

  private static void removeOlderThan(Instant limit, Path directory, String prefix)
      throws IOException {
    DirectoryStream.Filter<Path> ours =
        path -> {
          String name = path.getFileName().toString();
          return name.startsWith(prefix) && name.endsWith(SUFFIX);
        };
    try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(directory, ours)) {
      for (Path leftover : leftovers) {
        if (Files.exists(leftover)
            && Files.getLastModifiedTime(leftover).toInstant().isBefore(limit)) {
          Files.deleteIfExists(leftover);
        }
      }
    }
  }
}
