package dev.culebra.bench.profile;

import dev.culebra.backend.Ops;
import dev.culebra.bench.Median;
import dev.culebra.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/** Takes the time of every operation, by name and shape. */
public final class ProfiledOps {
  private record Key(String op, String shape) {}

  /** The times of all calls, and what one must do. */
  private static final class Calls {
    private final OpCost cost;
    private final List<LongSupplier> nanos = new ArrayList<>();

    private Calls(OpCost cost) {
      this.cost = cost;
    }

    private double medianNanos() {
      return Median.of(nanos.stream().mapToLong(LongSupplier::getAsLong).toArray());
    }
  }

  /**
   * One operation on one shape.
   *
   * @param op the method of {@link Ops}
   * @param shape that tells its calls apart
   * @param calls how many were counted
   * @param medianNanos of a call
   * @param flops of a call; 0 where bytes are the measure
   * @param bytes of a call; 0 where operations are the measure
   */
  public record Entry(
      String op, String shape, int calls, double medianNanos, double flops, double bytes) {
    /** Of all its calls, were each as fast as the median. */
    public double nanos() {
      return calls * medianNanos;
    }
  }

  private final Ops ops;
  private final Clock clock;
  private final Map<Key, Calls> all = new LinkedHashMap<>();
  private boolean paused;

  /** Times calls of {@code ops} with a clock that suits their device. */
  public ProfiledOps(Ops ops, Clock clock) {
    this.ops = ops;
    this.clock = clock;
  }

  /** The operations, timed. */
  public Ops timed() {
    return (Ops)
        Proxy.newProxyInstance(
            Ops.class.getClassLoader(),
            new Class<?>[] {Ops.class},
            (proxy, method, arguments) -> call(method, arguments));
  }

  /** Whether operations are only done, and not timed; at first they are timed. */
  public void pause(boolean paused) {
    this.paused = paused;
  }

  private Object call(Method method, Object[] arguments) throws Throwable {
    if (paused) {
      return invoke(method, arguments);
    }
    Clock.Lap lap = clock.start();
    invoke(method, arguments);
    LongSupplier nanos = lap.stop();
    Key key = new Key(method.getName(), shape(method.getName(), arguments));
    all.computeIfAbsent(key, unused -> new Calls(OpCost.of(method.getName(), arguments)))
        .nanos
        .add(nanos);
    return null;
  }

  private Object invoke(Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(ops, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  /** Rows and weights of a matrix product, else the first tensor that is there. */
  private static String shape(String op, Object[] arguments) {
    return switch (op) {
      case "linearForward" -> rows(arguments[0]) + " × " + shape(arguments[3]);
      case "linearBackward" -> rows(arguments[3]) + " × " + shape(arguments[5]);
      default ->
          Arrays.stream(arguments)
              .filter(Tensor.class::isInstance)
              .findFirst()
              .map(ProfiledOps::shape)
              .orElse("");
    };
  }

  private static int rows(Object tensor) {
    return ((Tensor) tensor).shape().rows();
  }

  private static String shape(Object tensor) {
    return ((Tensor) tensor).shape().toString();
  }

  /** Forgets what was counted. */
  public void reset() {
    all.clear();
  }

  /** What was counted, the longest first; all work must be done. */
  public List<Entry> entries() {
    return all.entrySet().stream()
        .map(
            each -> {
              Key key = each.getKey();
              Calls calls = each.getValue();
              OpCost cost = calls.cost;
              return new Entry(
                  key.op,
                  key.shape,
                  calls.nanos.size(),
                  calls.medianNanos(),
                  cost.flops(),
                  cost.bytes());
            })
        .sorted((a, b) -> Double.compare(b.nanos(), a.nanos()))
        .toList();
  }
}
