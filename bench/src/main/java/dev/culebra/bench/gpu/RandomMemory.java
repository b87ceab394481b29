package dev.culebra.bench.gpu;

import dev.culebra.backend.cuda.CudaBackend;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.BFloat16;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Fills memory of a GPU with normal numbers: work on zeros takes less power, and is faster. */
final class RandomMemory {
  /** How many are drawn; then they repeat. No multiple of a row, and whole 16-byte packs. */
  private static final int NUMBERS = (1 << 18) - 8;

  private static final long SEED = 1337;

  private RandomMemory() {}

  /** All of a buffer, as numbers of {@code dtype}. */
  static void fill(CudaBackend backend, Buffer buffer, DType dtype) {
    int count = (int) Math.min(NUMBERS, buffer.bytes() / dtype.bytes());
    RandomStream random = new RandomStream(SEED, 0, 0);
    float[] singles = new float[count];
    short[] halves = new short[count];
    for (int i = 0; i < count; i++) {
      singles[i] = random.nextNormal();
      halves[i] = BFloat16.fromFloat(singles[i]);
    }
    MemorySegment numbers =
        dtype == DType.BF16 ? MemorySegment.ofArray(halves) : MemorySegment.ofArray(singles);
    backend.upload(new Tensor(buffer, 0, dtype, Shape.of(count)), numbers);
    for (long filled = numbers.byteSize(); filled < buffer.bytes(); filled *= 2) {
      long more = Math.min(filled, buffer.bytes() - filled);
      backend.stream().copy(buffer.address() + filled, buffer.address(), more);
    }
  }
}
