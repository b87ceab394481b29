package dev.culebra.bench.gpu;

import dev.culebra.backend.cuda.CudaBackend;
import dev.culebra.bench.Median;
import dev.culebra.bench.profile.Clock;
import dev.culebra.cuda.CudaContext;
import dev.culebra.cuda.Event;
import dev.culebra.cuda.Stream;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Measures times on the GPU itself, by events in its stream, without waiting during the
 * measurement.
 */
final class EventClock implements Clock, AutoCloseable {
  private static final double NANOS_OF_A_MILLISECOND = 1e6;

  private final CudaContext context;
  private final Stream stream;
  private final List<Event> events = new ArrayList<>();

  EventClock(CudaContext context, Stream stream) {
    this.context = context;
    this.stream = stream;
  }

  /** Median time of some work in microseconds, repeated without waits in between. */
  static double microsOf(CudaBackend backend, Runnable work, int repeats) {
    try (EventClock clock = new EventClock(backend.context(), backend.stream())) {
      List<LongSupplier> laps = new ArrayList<>();
      work.run();
      work.run();
      for (int i = 0; i < repeats; i++) {
        Lap lap = clock.start();
        work.run();
        laps.add(lap.stop());
      }
      backend.synchronize();
      return 1e-3 * Median.of(laps.stream().mapToLong(LongSupplier::getAsLong).toArray());
    }
  }

  @Override
  public Lap start() {
    Event begin = mark();
    return () -> {
      Event end = mark();
      return () -> Math.round(end.millisecondsSince(begin) * NANOS_OF_A_MILLISECOND);
    };
  }

  private Event mark() {
    Event event = Event.timed(context);
    events.add(event);
    event.record(stream);
    return event;
  }

  @Override
  public void close() {
    events.forEach(Event::close);
    events.clear();
  }
}
