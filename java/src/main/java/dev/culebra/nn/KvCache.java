package dev.culebra.nn;

import dev.culebra.backend.Backend;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Keys and values that the attention layers of a {@link Gpt} have computed for the tokens so far,
 * so that each further token costs one row. Holds up to the model's context.
 */
public final class KvCache implements AutoCloseable {
  /**
   * The part of one attention layer.
   *
   * @param keys (B, context, columns of all key heads)
   * @param values (B, context, the same)
   * @param position I32 (1), shared by all layers: where the next token goes
   */
  record Layer(Tensor keys, Tensor values, Tensor position) {}

  private final Backend backend;
  private final int capacity;
  private final Buffer buffer;
  private final Tensor position;
  private final List<Layer> layers = new ArrayList<>();
  private int length;

  /** An empty cache for {@code batch} sequences. */
  public KvCache(Backend backend, GptConfig config, int batch) {
    this.backend = backend;
    this.capacity = config.context();
    Shape shape = Shape.of(batch, capacity, config.cachedWidth());
    DType dtype = backend.dtype();
    long bytes = shape.elements() * dtype.bytes();
    buffer = backend.allocate(bytes(config, dtype, batch));
    position = new Tensor(buffer, 2 * config.layers() * bytes, DType.I32, Shape.of(1));
    for (int layer = 0; layer < config.layers(); layer++) {
      Tensor keys = new Tensor(buffer, 2 * layer * bytes, dtype, shape);
      Tensor values = new Tensor(buffer, (2 * layer + 1) * bytes, dtype, shape);
      layers.add(new Layer(keys, values, position));
    }
  }

  /** Bytes on a device of {@code dtype} that such a cache takes. */
  public static long bytes(GptConfig config, DType dtype, int batch) {
    long elements = (long) batch * config.context() * config.cachedWidth();
    return 2 * config.layers() * elements * dtype.bytes() + Integer.BYTES;
  }

  /** How many tokens it holds. */
  public int length() {
    return length;
  }

  /** How many tokens it can hold. */
  public int capacity() {
    return capacity;
  }

  /**
   * Says how many tokens it holds; the next one goes behind them. To drop all, 0.
   *
   * @throws IllegalArgumentException if that is more than the capacity
   */
  public void setLength(int length) {
    if (length < 0 || length > capacity) {
      throw new IllegalArgumentException(
          "a cache of %d tokens cannot hold %d".formatted(capacity, length));
    }
    this.length = length;
    backend.upload(position, new int[] {length});
  }

  Layer layer(int index) {
    return layers.get(index);
  }

  Tensor position() {
    return position;
  }

  @Override
  public void close() {
    buffer.close();
  }
}
