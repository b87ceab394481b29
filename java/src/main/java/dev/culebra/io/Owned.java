package dev.culebra.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Deque;

/** The resources that one owner opened, closed in reverse order. Not thread-safe. */
public final class Owned implements AutoCloseable {
  private final Deque<AutoCloseable> resources = new ArrayDeque<>();

  /** Takes over {@code resource} and returns it. */
  public <C extends AutoCloseable> C add(C resource) {
    resources.push(resource);
    return resource;
  }

  /**
   * Closes everything, even if something fails to close. Closing twice is harmless.
   *
   * @throws RuntimeException the first failure; an {@link UncheckedIOException} for an {@code
   *     IOException}
   */
  @Override
  public void close() {
    Exception failure = null;
    while (!resources.isEmpty()) {
      try {
        resources.pop().close();
      } catch (Exception e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    switch (failure) {
      case null -> {}
      case RuntimeException e -> throw e;
      case IOException e -> throw new UncheckedIOException(e);
      case Exception e -> throw new IllegalStateException(e);
    }
  }

  /** Like {@link #close}, but adds a failure to {@code cause} as a suppressed exception. */
  public void closeAfter(Throwable cause) {
    try {
      close();
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }
}
