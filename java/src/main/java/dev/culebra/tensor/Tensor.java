package dev.culebra.tensor;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/**
 * A dense row-major view into a {@link Buffer}: storage and shape, no arithmetic. The view is
 * immutable; its elements are plain memory, so concurrent writers must synchronise.
 *
 * <p>The element accessors ({@link #getFloat} …) are for tests, initialisation and small reads of
 * tensors that the host can reach; {@code Backend.upload} and {@code Backend.readBlocking} work on
 * every device.
 */
public final class Tensor {
  private final Buffer buffer;
  private final long byteOffset;
  private final DType dtype;
  private final Shape shape;
  private MemorySegment segment;

  /**
   * A view of {@code buffer} that starts at {@code byteOffset}.
   *
   * @throws IndexOutOfBoundsException if the view does not fit into the buffer
   */
  public Tensor(Buffer buffer, long byteOffset, DType dtype, Shape shape) {
    long bytes = shape.elements() * dtype.bytes();
    if (byteOffset < 0 || byteOffset + bytes > buffer.bytes()) {
      throw new IndexOutOfBoundsException(
          "%s %s at byte %d does not fit into a buffer of %d bytes"
              .formatted(dtype, shape, byteOffset, buffer.bytes()));
    }
    this.buffer = buffer;
    this.byteOffset = byteOffset;
    this.dtype = dtype;
    this.shape = shape;
  }

  public Shape shape() {
    return shape;
  }

  public DType dtype() {
    return dtype;
  }

  /** Number of elements. */
  public long elements() {
    return shape.elements();
  }

  /** Size in bytes. */
  public long bytes() {
    return shape.elements() * dtype.bytes();
  }

  /** Address of the first element on its device. */
  public long address() {
    return buffer.address() + byteOffset;
  }

  /**
   * The elements as a segment, for a tensor in host memory.
   *
   * @throws IllegalStateException if the host cannot reach the memory
   */
  public MemorySegment segment() {
    if (segment == null) {
      segment = buffer.segment().asSlice(byteOffset, bytes());
    }
    return segment;
  }

  /** The same elements with another shape. */
  public Tensor reshape(Shape other) {
    if (other.elements() != shape.elements()) {
      throw new IllegalArgumentException("cannot view " + shape + " as " + other);
    }
    return new Tensor(buffer, byteOffset, dtype, other);
  }

  /**
   * {@code part.elements()} consecutive elements from {@code firstElement} on, with shape {@code
   * part}.
   */
  public Tensor slice(long firstElement, Shape part) {
    if (firstElement < 0 || firstElement + part.elements() > shape.elements()) {
      throw new IndexOutOfBoundsException(
          "slice " + part + " at element " + firstElement + " does not fit into " + shape);
    }
    return new Tensor(buffer, byteOffset + firstElement * dtype.bytes(), dtype, part);
  }

  public float getFloat(long index) {
    return segment().getAtIndex(JAVA_FLOAT, index);
  }

  public void setFloat(long index, float value) {
    segment().setAtIndex(JAVA_FLOAT, index, value);
  }

  public int getInt(long index) {
    return segment().getAtIndex(JAVA_INT, index);
  }

  public void setInt(long index, int value) {
    segment().setAtIndex(JAVA_INT, index, value);
  }

  /** For example {@code F32 (12, 64, 128)}. */
  @Override
  public String toString() {
    return dtype + " " + shape;
  }
}
