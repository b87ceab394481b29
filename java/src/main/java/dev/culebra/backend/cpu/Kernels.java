package dev.culebra.backend.cpu;

import dev.culebra.backend.Activation;
import java.lang.foreign.MemorySegment;

/**
 * Inner loops over contiguous floats, the part of the CPU operations that exists twice: {@code
 * VectorKernels} with the Vector API, {@link ScalarKernels} as plain loops for a JVM started
 * without {@code --add-modules jdk.incubator.vector}. Offsets are in bytes, lengths in elements.
 * Stateless and thread-safe.
 */
interface Kernels {
  /** out = activation(in); may be in place. */
  void activationForward(
      MemorySegment out,
      long outOffset,
      MemorySegment in,
      long inOffset,
      int length,
      Activation activation);
}
