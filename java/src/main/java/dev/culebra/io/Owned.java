package dev.culebra.io;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Deque;

/** What one owner opened, closed in the reverse order. Not thread-safe. */
public final class Owned implements AutoCloseable {
  private final Deque<AutoCloseable> resources = new ArrayDeque<>();

  /** Takes over {@code resource} and returns it. */
  public <C extends AutoCloseable> C add(C resource) {
    resources.push(resource);
    return resource;
  }

  /**
   * Closes everything, also when something fails to close. Closing twice is harmless.
   *
   * @throws RuntimeException the first failure; an {@link UncheckedIOException} where that was one
   *     of input or output
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

  /** {@link #close} after {@code cause}, to which a failure is added. */
  public void closeAfter(Throwable cause) {
    try {
      close();
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }
}
