package dev.culebra.backend.cpu;

import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * The process's memory as one segment, indexed by absolute address, for inner loops. A constant
 * segment needs no liveness check, and the bounds check of an access through {@link #safe} folds
 * away. In return the caller must check extent and liveness beforehand.
 */
final class RawMemory {
  /** All addresses. */
  static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  /** User addresses have fewer bits than this on every 64-bit system. */
  private static final long ADDRESS_BITS = (1L << 56) - 1;

  private static final long STRIDE_BITS = (1L << 36) - 1;

  private RawMemory() {}

  /**
   * {@code address} itself, with a range that lets the compiler prove accesses in bounds: for
   * loops, where a running pointer has no known range.
   */
  static long safe(long address) {
    return address & ADDRESS_BITS;
  }

  /** A stride below 64 GiB itself, with a range that keeps a sum with an address in bounds. */
  static long safeStride(long stride) {
    return stride & STRIDE_BITS;
  }

  /**
   * The address of the tensor's first element.
   *
   * @throws IllegalStateException if its buffer is closed
   */
  static long address(Tensor tensor) {
    if (!tensor.segment().scope().isAlive()) {
      throw new IllegalStateException("the buffer of a tensor " + tensor + " is closed");
    }
    return tensor.address();
  }
}
