package dev.culebra.examples.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Ctrl-C (or a polite kill) while something runs that can stop by itself: asks it to, and holds the
 * JVM's end back until it has. A second Ctrl-C changes nothing; kill -9 does.
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

  /** Asks by {@code stop}; {@code say} takes a line for whoever waits meanwhile. */
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
      say.accept("stopping when what is being computed is done; only kill -9 is faster");
      if (!finished.await(PATIENCE_MINUTES, TimeUnit.MINUTES)) {
        say.accept("culebra: gave up waiting for the checkpoint");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether the JVM is ending. */
  boolean happened() {
    return happened;
  }

  @Override
  public void close() {
    if (!happened) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // it began this moment: then it waits for the line below
      }
    }
    finished.countDown();
  }
}
