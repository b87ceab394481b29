package dev.culebra.nn;

import dev.culebra.backend.Backend;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Keys and values of the last tokens, computed by the attention layers of a {@link Gpt}, so that
 * each further token costs one row. When it is full, a token takes the place of the oldest one: a
 * model with rotary positions, whose keys keep their distances, then goes on with a sliding window.
 */
public final class KvCache implements AutoCloseable {
  /**
   * The part of one attention layer.
   *
   * @param keys (B, capacity, columns of all key heads)
   * @param values (B, capacity, the same)
   * @param position I32 (1), shared by all layers: the position of the next token
   */
  record Layer(Tensor keys, Tensor values, Tensor position) {}

  private final Backend backend;
  private final int capacity;
  private final Buffer buffer;
  private final Tensor position;
  private final List<Layer> layers = new ArrayList<>();
  private int length;

  /** An empty cache for {@code batch} sequences of as many tokens as the model's context. */
  public KvCache(Backend backend, GptConfig config, int batch) {
    this(backend, config, batch, config.context());
  }

  /** An empty cache for {@code batch} sequences of which the last {@code capacity} tokens count. */
  public KvCache(Backend backend, GptConfig config, int batch, int capacity) {
    this.backend = backend;
    this.capacity = capacity;
    Shape shape = Shape.of(batch, capacity, config.cachedWidth());
    DType dtype = backend.dtype();
    long bytes = shape.elements() * dtype.bytes();
    buffer = backend.allocate(bytes(config, dtype, batch, capacity));
    position = new Tensor(buffer, 2 * config.layers() * bytes, DType.I32, Shape.of(1));
    for (int layer = 0; layer < config.layers(); layer++) {
      Tensor keys = new Tensor(buffer, 2 * layer * bytes, dtype, shape);
      Tensor values = new Tensor(buffer, (2 * layer + 1) * bytes, dtype, shape);
      layers.add(new Layer(keys, values, position));
    }
  }

  /** The size of such a cache in bytes on a device of {@code dtype}. */
  public static long bytes(GptConfig config, DType dtype, int batch, int capacity) {
    long elements = (long) batch * capacity * config.cachedWidth();
    return 2 * config.layers() * elements * dtype.bytes() + Integer.BYTES;
  }

  /** The number of tokens so far; of more than the capacity the last ones are cached. */
  public int length() {
    return length;
  }

  /** How many tokens it can hold. */
  public int capacity() {
    return capacity;
  }

  /**
   * Sets the number of tokens so far, which is the position of the next one. 0 clears the cache.
   *
   * @throws IllegalArgumentException if it is negative
   */
  public void setLength(int length) {
    if (length < 0) {
      throw new IllegalArgumentException("a cache cannot hold %d tokens".formatted(length));
    }
    this.length = length;
    backend.upload(position, new int[] {length});
  }

  Layer layer(int index) {
    return layers.get(index);
  }

  /**
   * I32 (1) on the device: the position of the next token, which is the number of tokens so far.
   */
  public Tensor position() {
    return position;
  }

  @Override
  public void close() {
    buffer.close();
  }
}
