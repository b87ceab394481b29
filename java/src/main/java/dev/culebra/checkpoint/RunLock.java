package dev.culebra.checkpoint;

import dev.culebra.io.FileErrors;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * The right to train in a run directory: a lock on its file {@code lock}, which the system takes
 * back when the process ends, however it ends. Thread-safe.
 */
final class RunLock implements AutoCloseable {
  /**
   * The directories that this process holds. The system's locks belong to the process: closing any
   * channel on a locked file, also one that was refused the lock, would release it. So a directory
   * that is held must not be tried again.
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private static final int ATTEMPTS = 5;
  private static final long PAUSE_NANOS = 20_000_000;

  private final Path directory;
  private final FileChannel channel;

  private RunLock(Path directory, FileChannel channel) {
    this.directory = directory;
    this.channel = channel;
  }

  /**
   * Locks a directory.
   *
   * @throws IOException one line: this or another process holds it, or it cannot be locked
   */
  static RunLock acquire(Path directory) throws IOException {
    Path file = directory.resolve("lock");
    Path held = null;
    FileChannel channel = null;
    try {
      Path real = directory.toRealPath();
      if (HELD.add(real)) {
        held = real;
        channel = lock(file);
      }
    } catch (IOException e) {
      throw new IOException("cannot lock " + file + ": " + FileErrors.reason(e), e);
    } finally {
      if (held != null && channel == null) {
        HELD.remove(held);
      }
    }
    if (channel == null) {
      throw new IOException("another process is training in " + directory);
    }
    return new RunLock(held, channel);
  }

  /**
   * A channel that holds the lock on a file, or null if another process does: not only for the
   * moment in which it asks whether it is held.
   */
  private static FileChannel lock(Path file) throws IOException {
    FileChannel channel = tryLock(file);
    for (int attempt = 1; channel == null && attempt < ATTEMPTS; attempt++) {
      LockSupport.parkNanos(PAUSE_NANOS);
      channel = tryLock(file);
    }
    return channel;
  }

  private static FileChannel tryLock(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    boolean locked = false;
    try {
      locked = channel.tryLock() != null;
      return locked ? channel : null;
    } finally {
      if (!locked) {
        channel.close();
      }
    }
  }

  /**
   * Whether this or another process holds the lock of a directory. Asks by taking it for a moment,
   * shared with others who ask: the system has no other way that Java knows.
   *
   * @throws IOException one line, if that cannot be found out
   */
  static boolean isHeld(Path directory) throws IOException {
    Path file = directory.resolve("lock");
    if (!Files.exists(file)) {
      return false;
    }
    try {
      Path real = directory.toRealPath();
      if (!HELD.add(real)) {
        return true;
      }
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        return channel.tryLock(0, Long.MAX_VALUE, true) == null;
      } finally {
        HELD.remove(real);
      }
    } catch (IOException e) {
      throw new IOException("cannot ask for the lock " + file + ": " + FileErrors.reason(e), e);
    }
  }

  /** Releases the lock. Closing twice is harmless. */
  @Override
  public synchronized void close() throws IOException {
    if (channel.isOpen()) {
      try {
        channel.close();
      } finally {
        HELD.remove(directory);
      }
    }
  }
}
