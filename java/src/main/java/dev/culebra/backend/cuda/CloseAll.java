package dev.culebra.backend.cuda;

import java.util.Deque;

/** Closes what was opened, last first. */
final class CloseAll {
  private CloseAll() {}

  /**
   * Empties {@code owned}; also when something fails to close, the rest is closed.
   *
   * @throws RuntimeException the first failure
   */
  static void close(Deque<? extends AutoCloseable> owned) {
    RuntimeException failure = null;
    while (!owned.isEmpty()) {
      try {
        owned.pop().close();
      } catch (Exception e) {
        RuntimeException unchecked =
            e instanceof RuntimeException runtime ? runtime : new IllegalStateException(e);
        if (failure == null) {
          failure = unchecked;
        } else {
          failure.addSuppressed(unchecked);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
