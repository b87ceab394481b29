package dev.culebra.bench.profile;

import dev.culebra.backend.OpCall;
import dev.culebra.backend.OpListener;
import dev.culebra.bench.Median;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/** Times every operation, by name and shape. */
public final class OpProfile implements OpListener {
  /**
   * Equal calls.
   *
   * @param calls the number of counted calls
   * @param medianNanos of a call
   */
  public record Entry(OpCall call, int calls, double medianNanos) {
    /** The time of all calls, if each were as fast as the median. */
    public double nanos() {
      return calls * medianNanos;
    }
  }

  private final Clock clock;
  private final Map<OpCall, List<LongSupplier>> all = new LinkedHashMap<>();
  private Clock.Lap lap;
  private LongSupplier nanos;

  /** With a clock that suits the device. */
  public OpProfile(Clock clock) {
    this.clock = clock;
  }

  @Override
  public void begin() {
    lap = clock.start();
  }

  @Override
  public void end() {
    nanos = lap.stop();
  }

  @Override
  public void called(OpCall call) {
    all.computeIfAbsent(call, unused -> new ArrayList<>()).add(nanos);
  }

  /** All entries, longest first; all work must be done. */
  public List<Entry> entries() {
    return all.entrySet().stream()
        .map(each -> new Entry(each.getKey(), each.getValue().size(), median(each.getValue())))
        .sorted((a, b) -> Double.compare(b.nanos(), a.nanos()))
        .toList();
  }

  private static double median(List<LongSupplier> nanos) {
    return Median.of(nanos.stream().mapToLong(LongSupplier::getAsLong).toArray());
  }
}
