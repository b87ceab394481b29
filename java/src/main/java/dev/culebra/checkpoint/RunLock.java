package dev.culebra.checkpoint;

import dev.culebra.io.FileErrors;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * The right to train in a run directory: a lock on its file {@code lock}, which the system always
 * releases when the process ends. Thread-safe.
 */
final class RunLock implements AutoCloseable {
  /**
   * The directories locked by this process. The system's locks belong to the process: closing any
   * channel on a locked file, even one that did not get the lock, would release it. So a locked
   * directory must not be tried again. Code that checks this set and then tries or closes a lock
   * must hold the set's monitor for both.
   */
  private static final Set<Path> HELD = new HashSet<>();

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
   * @throws IOException with one line, if this or another process holds it, or it cannot be locked
   */
  static RunLock acquire(Path directory) throws IOException {
    Path file = directory.resolve("lock");
    try {
      Path real = directory.toRealPath();
      RunLock lock = tryToAcquire(real, file);
      for (int attempt = 1; lock == null && attempt < ATTEMPTS; attempt++) {
        LockSupport.parkNanos(
            PAUSE_NANOS); // another process may just be checking whether it is held
        lock = tryToAcquire(real, file);
      }
      if (lock != null) {
        return lock;
      }
    } catch (IOException e) {
      throw new IOException("cannot lock " + file + ": " + FileErrors.reason(e), e);
    }
    throw new IOException("another process is training in " + directory);
  }

  /** The lock, or null if this or another process holds it. */
  private static RunLock tryToAcquire(Path directory, Path file) throws IOException {
    synchronized (HELD) {
      FileChannel channel = HELD.contains(directory) ? null : tryLock(file);
      if (channel == null) {
        return null;
      }
      HELD.add(directory);
      return new RunLock(directory, channel);
    }
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
   * Whether this or another process holds the lock of a directory. Checks by taking a shared lock
   * briefly, since Java has no other way. If this is impossible, as on a file system without locks,
   * the result is false: it is only informative, and reading needs no lock.
   */
  static boolean isHeld(Path directory) {
    Path file = directory.resolve("lock");
    if (!Files.exists(file)) {
      return false;
    }
    try {
      Path real = directory.toRealPath();
      synchronized (HELD) {
        return HELD.contains(real) || isLockedByAnother(file);
      }
    } catch (IOException e) {
      return false;
    }
  }

  private static boolean isLockedByAnother(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.tryLock(0, Long.MAX_VALUE, true) == null;
    }
  }

  /** Releases the lock. Closing twice is harmless. */
  @Override
  public void close() throws IOException {
    synchronized (HELD) {
      if (channel.isOpen()) {
        try {
          channel.close();
        } finally {
          HELD.remove(directory);
        }
      }
    }
  }
}
