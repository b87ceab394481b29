package dev.culebra.backend.cpu;

/**
 * How a run of floats is cut for the threads: stretches of one length, the last one shorter. The
 * cut depends on nothing else, so that results do not depend on the number of threads.
 */
final class Stretches {
  /** Floats in a stretch: 64 KB, long enough to outweigh handing it out. */
  static final int LENGTH = 16 * 1024;

  private Stretches() {}

  /** How many stretches {@code length} floats make. */
  static int count(long length) {
    return Math.toIntExact(Math.ceilDiv(length, LENGTH));
  }

  /** Bytes before stretch {@code index}. */
  static long offset(int index) {
    return 4L * LENGTH * index;
  }

  /** Floats before stretch {@code index}. */
  static long first(int index) {
    return (long) LENGTH * index;
  }

  /** Floats in stretch {@code index} of {@code length}. */
  static int length(int index, long length) {
    return (int) Math.min(LENGTH, length - first(index));
  }
}
