package dev.culebra.bench.profile;

import dev.culebra.backend.Ops;
import dev.culebra.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Takes the time of every operation, by name and shape. Only for backends that work at once: a call
 * that queues work returns too early to be timed.
 */
public final class ProfiledOps {
  private record Key(String op, String shape) {}

  private static final class Sum {
    private int calls;
    private long nanos;
    private double flops;
    private double bytes;
  }

  /**
   * One operation on one shape, over all that was counted.
   *
   * @param op the method of {@link Ops}
   * @param shape that tells its calls apart
   * @param calls how many
   * @param nanos in all of them
   * @param flops of all of them; 0 where bytes are the measure
   * @param bytes of all of them; 0 where operations are the measure
   */
  public record Entry(String op, String shape, int calls, long nanos, double flops, double bytes) {}

  private final Ops ops;
  private final Map<Key, Sum> sums = new LinkedHashMap<>();

  /** Times calls of {@code ops}. */
  public ProfiledOps(Ops ops) {
    this.ops = ops;
  }

  /** The operations, timed. */
  public Ops timed() {
    return (Ops)
        Proxy.newProxyInstance(
            Ops.class.getClassLoader(),
            new Class<?>[] {Ops.class},
            (proxy, method, arguments) -> call(method, arguments));
  }

  private Object call(Method method, Object[] arguments) throws Throwable {
    long start = System.nanoTime();
    try {
      method.invoke(ops, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
    long nanos = System.nanoTime() - start;
    Key key = new Key(method.getName(), shape(method.getName(), arguments));
    Sum sum = sums.computeIfAbsent(key, unused -> new Sum());
    OpCost cost = OpCost.of(method.getName(), arguments);
    sum.calls++;
    sum.nanos += nanos;
    sum.flops += cost.flops();
    sum.bytes += cost.bytes();
    return null;
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
    sums.clear();
  }

  /** What was counted, the longest first. */
  public List<Entry> entries() {
    return sums.entrySet().stream()
        .map(
            each -> {
              Key key = each.getKey();
              Sum sum = each.getValue();
              return new Entry(key.op, key.shape, sum.calls, sum.nanos, sum.flops, sum.bytes);
            })
        .sorted((a, b) -> Long.compare(b.nanos, a.nanos))
        .toList();
  }
}
