package dev.culebra.backend;

import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;

/**
 * A weight matrix (OC, IC) in fewer bits than it was trained in, for inference: writing a token
 * reads every weight once, so it takes as long as their bytes do. Made by {@link CompactOp#store}.
 * Immutable as a view, like {@link Tensor}.
 */
public final class CompactWeight {
  /** Columns of a row of {@link Format#INT8} that share a scale. */
  public static final int BLOCK = 64;

  /** How a weight is stored. */
  public enum Format {
    /** 2 bytes: the upper half of a single, rounded to nearest even. */
    BF16(DType.BF16),
    /**
     * 1 byte, and 4 more for each {@link #BLOCK} columns of a row: w ≈ scale · q with q in −127 …
     * 127 and scale = max |w| / 127 over the block, so that the error is at most scale / 2 (absmax
     * quantisation: Dettmers et al., "8-bit Optimizers via Block-wise Quantization" (2022)).
     */
    INT8(DType.I8);

    private final DType dtype;

    Format(DType dtype) {
      this.dtype = dtype;
    }

    /** Bytes that a matrix of {@code shape} (OC, IC) takes, a multiple of 64. */
    public long bytes(Shape shape) {
      long scaleBytes = this == INT8 ? scales(shape).elements() * DType.F32.bytes() : 0;
      return scaleOffset(shape) + aligned(scaleBytes);
    }

    private long scaleOffset(Shape shape) {
      return aligned(shape.elements() * dtype.bytes());
    }

    private static Shape scales(Shape shape) {
      return Shape.of(shape.dim(0), Math.ceilDiv(shape.dim(1), BLOCK));
    }

    private static long aligned(long bytes) {
      return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }
  }

  private static final long ALIGNMENT = 64;

  private final Format format;
  private final Tensor values;
  private final Tensor scales;

  /**
   * A matrix of {@code shape} (OC, IC) in {@link Format#bytes} of {@code buffer} from {@code
   * byteOffset} on, a multiple of 64.
   *
   * @throws IndexOutOfBoundsException if it does not fit into the buffer
   */
  public CompactWeight(Format format, Buffer buffer, long byteOffset, Shape shape) {
    this.format = format;
    values = new Tensor(buffer, byteOffset, format.dtype, shape);
    scales =
        format == Format.INT8
            ? new Tensor(
                buffer, byteOffset + format.scaleOffset(shape), DType.F32, Format.scales(shape))
            : null;
  }

  /** How it is stored. */
  public Format format() {
    return format;
  }

  /** (OC, IC). */
  public Shape shape() {
    return values.shape();
  }

  /** BF16 or I8 (OC, IC). */
  public Tensor values() {
    return values;
  }

  /** F32 (OC, ⌈IC / {@link #BLOCK}⌉), null if the format has none. */
  public Tensor scales() {
    return scales;
  }

  /** Bytes that are read to multiply with it. */
  public long bytes() {
    return values.bytes() + (scales == null ? 0 : scales.bytes());
  }

  /** For example {@code INT8 (768, 3072)}. */
  @Override
  public String toString() {
    return format + " " + shape();
  }
}
