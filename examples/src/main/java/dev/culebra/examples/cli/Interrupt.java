package dev.culebra.examples.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Handles Ctrl-C and SIGTERM during work that can stop by itself: requests the stop, and delays the
 * end of the JVM until it is done. A second Ctrl-C has no effect; kill -9 does.
 */
final class Interrupt implements AutoCloseable {
  /** 128 + SIGINT, as shells report it. */
  static final int EXIT_CODE = 130;

  private static final long PATIENCE_SECONDS = 2;
  private static final long PATIENCE_MINUTES = 10;

  private final CountDownLatch finished = new CountDownLatch(1);
  private final Consumer<String> say;
  private final Thread hook;
  private volatile boolean happened;

  /** Requests a stop by {@code stop}; {@code say} receives a line for the waiting user. */
  Interrupt(Runnable stop, Consumer<String> say) {
    this.say = say;
    hook =
        new Thread(
            () -> {
              happened = true;
              stop.run();
              awaitFinished();
            });
    Runtime.getRuntime().addShutdownHook(hook);
  }

  private void awaitFinished() {
    try {
      if (finished.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        return;
      }
      say.accept("stopping after the current computation; only kill -9 is faster");
      if (!finished.await(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
        say.accept("culebra: gave up waiting for the checkpoint");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether the JVM is shutting down. */
  boolean happened() {
    return happened;
  }

  @Override
  public void close() {
    if (!happened) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // shutdown has just started: then it waits for the line below
      }
    }
    finished.countDown();
  }
}
