package dev.culebra.backend.cpu;

/**
 * Splits an array of floats for the threads, into stretches of equal length with a shorter last
 * one. The split depends on nothing else, so results do not depend on the number of threads.
 */
final class Stretches {
  /** Floats per stretch: 64 KB, enough to outweigh the cost of handing it out. */
  static final int LENGTH = 16 * 1024;

  private Stretches() {}

  /** The number of stretches of {@code length} floats. */
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
