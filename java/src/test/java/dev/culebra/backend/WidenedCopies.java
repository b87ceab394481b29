package dev.culebra.backend;

import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.culebra.tensor.BFloat16;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;

/** F32 copies of the BF16 tensors of one call, in host memory; one copy for each address. */
final class WidenedCopies implements AutoCloseable {
  private final Backend backend;
  private final Map<Long, Copy> copies = new LinkedHashMap<>();

  private record Copy(Buffer buffer, Tensor original, Tensor widened) {}

  WidenedCopies(Backend backend) {
    this.backend = backend;
  }

  /** The copy of {@code tensor}; a tensor of another type and null are returned as they are. */
  Tensor of(Tensor tensor) {
    if (tensor == null || tensor.dtype() != DType.BF16) {
      return tensor;
    }
    return copies
        .computeIfAbsent(tensor.address(), address -> copy(tensor))
        .widened
        .reshape(tensor.shape());
  }

  private Copy copy(Tensor tensor) {
    Buffer buffer = backend.allocate(tensor.elements() * DType.F32.bytes());
    Tensor widened = new Tensor(buffer, 0, DType.F32, tensor.shape());
    for (long i = 0; i < tensor.elements(); i++) {
      widened.setFloat(i, BFloat16.toFloat(bits(tensor, i)));
    }
    return new Copy(buffer, tensor, widened);
  }

  private static short bits(Tensor tensor, long i) {
    return tensor.segment().getAtIndex(JAVA_SHORT_UNALIGNED, i);
  }

  /** Rounds the copies into their originals; elements whose copy did not change keep their bits. */
  void writeBack() {
    for (Copy copy : copies.values()) {
      MemorySegment original = copy.original.segment();
      for (long i = 0; i < copy.original.elements(); i++) {
        float value = copy.widened.getFloat(i);
        float before = BFloat16.toFloat(bits(copy.original, i));
        if (Float.floatToRawIntBits(value) != Float.floatToRawIntBits(before)) {
          original.setAtIndex(JAVA_SHORT_UNALIGNED, i, BFloat16.fromFloat(value));
        }
      }
    }
  }

  @Override
  public void close() {
    copies.values().forEach(copy -> copy.buffer.close());
  }
}
