package dev.culebra.bench.race;

import dev.culebra.bench.Median;
import java.util.Arrays;
import java.util.List;

/**
 * How an engine did on a course.
 *
 * @param medianMillis of all steps that counted
 * @param minMillis the fastest step
 * @param maxMillis the slowest step
 * @param heapBytes allocated in the Java heap a step: the median over the turns
 * @param residentBytes largest resident memory of its process
 * @param activationBytes of what a step needs besides parameters and optimizer, or 0
 */
record Outcome(
    Engine engine,
    double medianMillis,
    double minMillis,
    double maxMillis,
    long heapBytes,
    long residentBytes,
    long activationBytes) {

  static Outcome of(Engine engine, List<Lap> laps) {
    long[] nanos =
        laps.stream().flatMapToLong(lap -> Arrays.stream(lap.nanos())).sorted().toArray();
    long[] heap = laps.stream().mapToLong(Lap::heapBytes).toArray();
    Lap last = laps.getLast();
    return new Outcome(
        engine,
        Median.of(nanos) / 1e6,
        nanos[0] / 1e6,
        nanos[nanos.length - 1] / 1e6,
        (long) Median.of(heap),
        last.residentBytes(),
        last.activationBytes());
  }
}
