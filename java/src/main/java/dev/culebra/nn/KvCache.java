package dev.culebra.nn;

import dev.culebra.backend.Backend;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Keys and values of the tokens so far, computed by the attention layers of a {@link Gpt}, so that
 * each further token costs one row. Its capacity is the model's context.
 */
public final class KvCache implements AutoCloseable {
  /**
   * The part of one attention layer.
   *
   * @param keys (B, context, columns of all key heads)
   * @param values (B, context, the same)
   * @param position I32 (1), shared by all layers: the position of the next token
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

  /** The size of such a cache in bytes on a device of {@code dtype}. */
  public static long bytes(GptConfig config, DType dtype, int batch) {
    long elements = (long) batch * config.context() * config.cachedWidth();
    return 2 * config.layers() * elements * dtype.bytes() + Integer.BYTES;
  }

  /** The number of cached tokens. */
  public int length() {
    return length;
  }

  /** The most tokens it can hold. */
  public int capacity() {
    return capacity;
  }

  /**
   * Sets the number of cached tokens; the next one is appended after them. 0 clears the cache.
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
