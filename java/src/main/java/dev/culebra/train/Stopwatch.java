package dev.culebra.train;

/** Time spent training: runs only between {@link #start} and {@link #pause}. */
final class Stopwatch {
  private long startedAt;
  private long nanos;

  /** Starts paused at {@code seconds}. */
  Stopwatch(double seconds) {
    nanos = (long) (seconds * 1e9);
  }

  void start() {
    startedAt = System.nanoTime();
  }

  void pause() {
    nanos += System.nanoTime() - startedAt;
  }

  /** The time up to the last pause. */
  double seconds() {
    return nanos * 1e-9;
  }

  /** The time up to now; only while it runs. */
  double secondsNow() {
    return (nanos + System.nanoTime() - startedAt) * 1e-9;
  }
}
