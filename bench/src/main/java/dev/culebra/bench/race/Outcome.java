package dev.culebra.bench.race;

import dev.culebra.bench.Median;
import java.util.Arrays;
import java.util.List;

/**
 * The result of an engine on a course.
 *
 * @param medianMillis over all timed steps
 * @param minMillis the fastest step
 * @param maxMillis the slowest step
 * @param heapBytes bytes allocated in the Java heap per step: the median over the turns
 * @param residentBytes largest resident memory of its process
 * @param activationBytes memory of a step besides parameters and optimizer, or 0
 * @param loss of the last step: engines that do the same work end close together
 */
record Outcome(
    Engine engine,
    double medianMillis,
    double minMillis,
    double maxMillis,
    long heapBytes,
    long residentBytes,
    long activationBytes,
    float loss) {

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
        last.activationBytes(),
        last.loss());
  }
}
