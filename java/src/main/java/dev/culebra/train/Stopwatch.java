package dev.culebra.train;

/** Time spent training: runs only between {@link #start} and {@link #pause}. */
final class Stopwatch {
  private long startedAt;
  private long nanos;

  /** Goes on from {@code seconds}, paused. */
  Stopwatch(double seconds) {
    nanos = (long) (seconds * 1e9);
  }

  void start() {
    startedAt = System.nanoTime();
  }

  void pause() {
    nanos += System.nanoTime() - startedAt;
  }

  /** Up to the last pause. */
  double seconds() {
    return nanos * 1e-9;
  }

  /** While it runs: up to now. */
  double secondsNow() {
    return (nanos + System.nanoTime() - startedAt) * 1e-9;
  }
}
