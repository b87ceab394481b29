package dev.culebra.nn;

import dev.culebra.backend.Backend;
import dev.culebra.backend.CompactWeight;
import dev.culebra.backend.OutOfDeviceMemoryException;
import dev.culebra.io.Owned;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The memory of all parameters of a model: values in one flat F32 buffer, gradients in a second one
 * with the same layout, so that an optimizer step, a norm or a checkpoint is one pass. Matrices
 * (which decay) come first, then the rest, each group in the model's order. Slices start at
 * multiples of 64 elements; the gaps are always 0.
 *
 * <p>Operations read {@link #weights()}: the values themselves on an F32 backend, otherwise a copy
 * in the backend's dtype. The values are what is trained and saved. Code other than the optimizer
 * that changes them must call {@link #refreshWeights()} afterwards.
 *
 * <p>In a model for inference alone, matrices and token tables may be {@link CompactWeight}s
 * instead, in a buffer of their own.
 *
 * <p>A second model with the same structure can {@link #bind} to it and share the weights, for
 * sampling during training with its own activations.
 */
public final class Parameters implements AutoCloseable {
  private static final long ALIGNMENT = 64;
  private static final int INIT_STREAM = 1;

  /** Elements per task of {@link #initialize}: whole blocks of random numbers. */
  private static final int INIT_CHUNK = RandomStream.BLOCK << 14;

  private final Backend backend;
  private final List<Parameter> parameters = new ArrayList<>();
  private final Map<String, Long> offsets = new LinkedHashMap<>();
  private final Map<String, CompactWeight> compact = new HashMap<>();
  private final Owned owned = new Owned();
  private final Tensor values;
  private final Tensor weights;
  private final long decayed;
  private Tensor gradients;

  /**
   * Memory on {@code backend} for the parameters of {@code root}, all 0.
   *
   * @throws OutOfDeviceMemoryException if there is not enough, or if they are 2³¹ or more
   */
  public Parameters(Backend backend, Module root) {
    this(backend, root, Optional.empty());
  }

  /**
   * The same for inference alone, with matrices and tables of tokens in {@code format}. Only the
   * other parameters have {@link #values}.
   *
   * @throws IllegalArgumentException if the backend has no {@link Backend#compact}
   */
  public Parameters(Backend backend, Module root, CompactWeight.Format format) {
    this(backend, root, Optional.of(format));
  }

  private Parameters(Backend backend, Module root, Optional<CompactWeight.Format> format) {
    this.backend = backend;
    if (format.isPresent() && backend.compact().isEmpty()) {
      throw new IllegalArgumentException(
          "%s has no operations on %s weights".formatted(backend.name(), format.get()));
    }
    Map<String, Parameter> named = new LinkedHashMap<>();
    Map<String, Parameter> stored = new LinkedHashMap<>(); // in fewer bits
    root.visit(
        "",
        (name, parameter) ->
            (format.isPresent() && isForProducts(parameter) ? stored : named).put(name, parameter));
    long end = place(named, true, 0);
    decayed = end;
    end = place(named, false, end);
    if (end > Integer.MAX_VALUE) {
      throw new OutOfDeviceMemoryException(
          "a model of %,d parameters is too large: at most %,d are possible"
              .formatted(end, Integer.MAX_VALUE));
    }
    Shape flat = Shape.of((int) Math.max(end, ALIGNMENT));
    boolean copied = backend.dtype() != DType.F32;
    try {
      values = allocate(DType.F32, flat);
      weights = copied ? allocate(backend.dtype(), flat) : values;
      format.ifPresent(of -> allocate(of, stored));
    } catch (Throwable e) { // even an Error must leave nothing open
      owned.closeAfter(e);
      throw e;
    }
    bind(root);
    stored.values().forEach(parameters::add);
    offsets.keySet().forEach(name -> parameters.add(named.get(name)));
  }

  /** Whether a parameter is the weight of matrix products, the tied token table included. */
  private static boolean isForProducts(Parameter parameter) {
    return parameter.kind() == Parameter.Kind.MATRIX || parameter.kind() == Parameter.Kind.TABLE;
  }

  private Tensor allocate(DType dtype, Shape shape) {
    Buffer buffer = owned.add(backend.allocate(shape.elements() * dtype.bytes()));
    return new Tensor(buffer, 0, dtype, shape);
  }

  private void allocate(CompactWeight.Format format, Map<String, Parameter> stored) {
    long bytes =
        stored.values().stream().mapToLong(parameter -> format.bytes(parameter.shape())).sum();
    Buffer buffer = owned.add(backend.allocate(Math.max(bytes, ALIGNMENT)));
    long at = 0;
    for (Map.Entry<String, Parameter> entry : stored.entrySet()) {
      Shape shape = entry.getValue().shape();
      compact.put(entry.getKey(), new CompactWeight(format, buffer, at, shape));
      at += format.bytes(shape);
    }
  }

  private long place(Map<String, Parameter> named, boolean decayed, long offset) {
    for (Map.Entry<String, Parameter> entry : named.entrySet()) {
      if (entry.getValue().decayed() == decayed) {
        offsets.put(entry.getKey(), offset);
        offset = aligned(offset + entry.getValue().shape().elements());
      }
    }
    return offset;
  }

  /**
   * Points the parameters of {@code root} into this memory.
   *
   * @throws IllegalArgumentException if a parameter is unknown or the sizes differ
   */
  public void bind(Module root) {
    root.attach(backend);
    root.visit(
        "",
        (name, parameter) -> {
          if (compact.containsKey(name)) {
            parameter.bind(name, compact.get(name));
            return;
          }
          Long offset = offsets.get(name);
          if (offset == null) {
            throw new IllegalArgumentException("no parameter named " + name);
          }
          parameter.bind(name, weights.slice(offset, parameter.shape()));
        });
    if (gradients != null) {
      bindGradients(root);
    }
  }

  /** Gives {@code root}, which must be bound, gradients; allocates their memory the first time. */
  void bindGradients(Module root) {
    if (!compact.isEmpty()) {
      throw new IllegalStateException(
          "a model with weights of fewer bits is for inference alone: load it with F32 weights");
    }
    if (gradients == null) {
      gradients = allocate(DType.F32, values.shape());
    }
    root.visit(
        "",
        (name, parameter) ->
            parameter.bindGradient(gradients.slice(offsets.get(name), parameter.shape())));
  }

  /**
   * Initialises every parameter by its {@link Init}, from {@code seed} only: on the host, so that
   * all devices start equal. Padding rows stay 0. Uses all processors, with the same bits for any
   * number of them.
   */
  public void initialize(long seed) {
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      float[] host = new float[Math.toIntExact(parameter.shape().elements())];
      int saved = Math.toIntExact(parameter.savedShape().elements());
      draw(host, saved, parameter.init(), seed, i);
      backend.upload(slice(values, parameter), host);
    }
    refreshWeights();
  }

  /** The first {@code count} elements of parameter {@code index}. */
  private static void draw(float[] host, int count, Init init, long seed, int index) {
    if (init.std() == 0) {
      Arrays.fill(host, 0, count, init.mean());
      return;
    }
    IntStream.range(0, Math.ceilDiv(count, INIT_CHUNK))
        .parallel()
        .forEach(
            chunk -> {
              int first = chunk * INIT_CHUNK;
              int end = Math.min(count - first, INIT_CHUNK) + first;
              RandomStream random =
                  new RandomStream(seed, INIT_STREAM, index, first / RandomStream.BLOCK);
              for (int e = first; e < end; e++) {
                host[e] = init.mean() + init.std() * random.nextNormal();
              }
            });
  }

  /**
   * Sets {@link #weights()} to the values, rounded to nearest; does nothing if they are the same
   * tensor.
   */
  public void refreshWeights() {
    if (weights != values) {
      backend.ops().elementwise().convert(weights, values);
    }
  }

  /** Size of the flat buffer for the parameters of {@code root}. */
  static long elements(Module root) {
    long[] elements = {0};
    root.visit("", (name, parameter) -> elements[0] += aligned(parameter.shape().elements()));
    return elements[0];
  }

  private static long aligned(long elements) {
    return Math.ceilDiv(elements, ALIGNMENT) * ALIGNMENT;
  }

  /** All parameters in the order of the flat buffer. */
  public List<Parameter> list() {
    return List.copyOf(parameters);
  }

  /** Number of trained elements, without padding. */
  public long count() {
    return parameters.stream().mapToLong(parameter -> parameter.savedShape().elements()).sum();
  }

  /** The flat values, F32. */
  public Tensor values() {
    return values;
  }

  /** What operations read, flat, in the backend's dtype; {@link #values()} if that is F32. */
  public Tensor weights() {
    return weights;
  }

  /** The flat gradients. */
  public Tensor gradients() {
    if (gradients == null) {
      throw new IllegalStateException("no gradients: the model was not planned for training");
    }
    return gradients;
  }

  /** The number of decayed elements at the start of the flat buffers. */
  public long decayed() {
    return decayed;
  }

  /**
   * Sets rows of a parameter, rounded to what it can hold. Call {@link #refreshWeights()} after the
   * last.
   *
   * @param firstRow of the parameter; a vector has a row of one element for each of its elements
   * @param rows F32, whole rows, native memory of the host
   * @throws IllegalArgumentException if they are not rows of this parameter
   */
  public void load(Parameter parameter, int firstRow, MemorySegment rows) {
    if (parameter.isCompact()) {
      backend.compact().orElseThrow().store(parameter.compact(), firstRow, rows);
      return;
    }
    long columns = parameter.shape().elements() / parameter.shape().dim(0);
    Shape elements = Shape.of(Math.toIntExact(rows.byteSize() / DType.F32.bytes()));
    backend.upload(slice(values, parameter).slice(firstRow * columns, elements), rows);
  }

  /** The slice of {@code parameter} in a flat buffer with the same layout, such as moments. */
  public Tensor slice(Tensor flat, Parameter parameter) {
    return flat.slice(offset(parameter), parameter.shape());
  }

  /** The first element of {@code parameter} in the flat buffers. */
  public long offset(Parameter parameter) {
    if (parameter.isCompact()) {
      throw new IllegalStateException(
          "%s is stored as %s, for inference alone"
              .formatted(parameter.name(), parameter.compact()));
    }
    return offsets.get(parameter.name());
  }

  /** The element after {@code parameter} and its gap, where the next one may start. */
  public long end(Parameter parameter) {
    return aligned(offset(parameter) + parameter.shape().elements());
  }

  /** Sets all gradients to 0. */
  public void zeroGradients() {
    backend.ops().elementwise().fill(gradients(), 0);
  }

  /** The device. */
  public Backend backend() {
    return backend;
  }

  @Override
  public void close() {
    owned.close();
  }
}
