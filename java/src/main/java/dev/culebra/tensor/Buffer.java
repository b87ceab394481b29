package dev.culebra.tensor;

import java.lang.foreign.MemorySegment;

/**
 * A contiguous piece of memory on one device, with exactly one owner, who closes it. Tensors are
 * views into it and do not own it. Closing twice is harmless; using a tensor of a closed buffer
 * throws {@link IllegalStateException}.
 */
public interface Buffer extends AutoCloseable {
  /** Size in bytes. */
  long bytes();

  /** Address on the buffer's device. */
  long address();

  /**
   * The memory as a segment, if the host can reach it.
   *
   * @throws IllegalStateException if only the device can reach it
   */
  MemorySegment segment();

  @Override
  void close();
}
