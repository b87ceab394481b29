package dev.culebra.bench.profile;

import java.util.function.LongSupplier;

/** Times pieces of work, one after another. */
@FunctionalInterface
public interface Clock {
  /** A piece of work that has started. */
  @FunctionalInterface
  interface Lap {
    /**
     * Ends the lap after the work was submitted; its nanoseconds can be read once it is certainly
     * done.
     */
    LongSupplier stop();
  }

  /** The wall clock, for work that is done when the call returns. */
  Clock WALL =
      () -> {
        long start = System.nanoTime();
        return () -> {
          long nanos = System.nanoTime() - start;
          return () -> nanos;
        };
      };

  /** Starts a piece of work. */
  Lap start();
}
