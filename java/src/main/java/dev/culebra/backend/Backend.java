package dev.culebra.backend;

import dev.culebra.tensor.BFloat16;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A device: its memory, and the operations on it. One thread uses a backend at a time. Work is
 * queued in order and may run later; only {@link #readBlocking} and {@link #synchronize} wait for
 * it.
 */
public interface Backend extends AutoCloseable {
  /** A description: {@code cpu (2 threads, 512-bit vectors)}. */
  String name();

  /** Type of activations and of the weights that operations read: F32, or BF16. */
  DType dtype();

  /**
   * The device's stated peak in TFLOP/s for dense matrix products in this dtype; 0 if unknown,
   * empty for a CPU.
   */
  default OptionalDouble peakTflops() {
    return OptionalDouble.empty();
  }

  /** The operations, on tensors of {@link #dtype()} by the dtype rule of {@link Ops}. */
  Ops ops();

  /**
   * Up to how many rows of an inference pass have, each of them, the same bits as alone. That many
   * sequences can be continued together.
   */
  default int independentRows() {
    return 1;
  }

  /**
   * How many replays of a recording are worth queueing before the host reads a result: more than 1
   * if the device works while the host does.
   */
  default int replaysAhead() {
    return 1;
  }

  /** Operations on weights in fewer bits, for inference; empty where there are none. */
  default Optional<CompactOp> compact() {
    return Optional.empty();
  }

  /**
   * Memory on this device, zeroed and aligned to at least 64 bytes; the caller owns it.
   *
   * @throws OutOfDeviceMemoryException if there is not enough
   */
  Buffer allocate(long bytes);

  /**
   * Copies {@code src} from the host to {@code dst}; {@code src} may be reused on return.
   *
   * @throws IllegalArgumentException if the sizes differ
   */
  void upload(Tensor dst, MemorySegment src);

  /**
   * Waits for all queued work, then copies {@code src} to the host.
   *
   * @throws IllegalArgumentException if the sizes differ
   */
  void readBlocking(MemorySegment dst, Tensor src);

  /**
   * Records work to repeat many times. It must consist of operations of this backend on fixed
   * tensors, and must not wait for the device or copy to it. The caller closes the recording.
   */
  default Recording record(Runnable work) {
    return new Recording() {
      @Override
      public void replay() {
        work.run();
      }

      @Override
      public void close() {}
    };
  }

  /** Waits until all queued work is done. */
  void synchronize();

  /** Native memory in use. */
  MemoryReport memory();

  /** Releases the device; its buffers must be closed first. Closing twice is harmless. */
  @Override
  void close();

  /** Uploads all elements of an F32 tensor. */
  default void upload(Tensor dst, float[] src) {
    upload(dst, MemorySegment.ofArray(src));
  }

  /** Uploads all elements of an I32 tensor. */
  default void upload(Tensor dst, int[] src) {
    upload(dst, MemorySegment.ofArray(src));
  }

  /** Reads all elements of an F32 or BF16 tensor, widened to singles, after all queued work. */
  default float[] readFloatsBlocking(Tensor src) {
    float[] values = new float[Math.toIntExact(src.elements())];
    if (src.dtype() == DType.BF16) {
      short[] halves = new short[values.length];
      readBlocking(MemorySegment.ofArray(halves), src);
      for (int i = 0; i < values.length; i++) {
        values[i] = BFloat16.toFloat(halves[i]);
      }
      return values;
    }
    readBlocking(MemorySegment.ofArray(values), src);
    return values;
  }

  /** Reads the first element of an F32 tensor, after all queued work. */
  default float readFloatBlocking(Tensor src) {
    float[] value = new float[1];
    readBlocking(
        MemorySegment.ofArray(value), src.elements() == 1 ? src : src.slice(0, Shape.of(1)));
    return value[0];
  }

  /** Reads the first element of an I32 tensor, after all queued work. */
  default int readIntBlocking(Tensor src) {
    int[] value = new int[1];
    readBlocking(
        MemorySegment.ofArray(value), src.elements() == 1 ? src : src.slice(0, Shape.of(1)));
    return value[0];
  }
}
