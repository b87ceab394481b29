package dev.culebra.bench.profile;

import java.util.function.LongSupplier;

/** Takes the time of pieces of work one after the other. */
@FunctionalInterface
public interface Clock {
  /** A piece of work that has begun. */
  @FunctionalInterface
  interface Lap {
    /** The work was given; its nanoseconds can be asked for once it is surely done. */
    LongSupplier stop();
  }

  /** The wall's, for work that is done when the call returns. */
  Clock WALL =
      () -> {
        long start = System.nanoTime();
        return () -> {
          long nanos = System.nanoTime() - start;
          return () -> nanos;
        };
      };

  /** A piece of work begins. */
  Lap start();
}
