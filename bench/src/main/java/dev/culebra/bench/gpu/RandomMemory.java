package dev.culebra.bench.gpu;

import dev.culebra.backend.cuda.CudaBackend;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.BFloat16;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Fills GPU memory with normally distributed numbers: work on zeros takes less power and is faster.
 */
final class RandomMemory {
  /**
   * How many numbers are drawn before they repeat: not a multiple of a row, but whole 16-byte
   * packs.
   */
  private static final int NUMBERS = (1 << 18) - 8;

  private static final long SEED = 1337;
  private static final float[] SINGLES = new float[NUMBERS];
  private static final short[] HALVES = new short[NUMBERS];

  static {
    RandomStream random = new RandomStream(SEED, 0, 0);
    for (int i = 0; i < NUMBERS; i++) {
      SINGLES[i] = random.nextNormal();
      HALVES[i] = BFloat16.fromFloat(SINGLES[i]);
    }
  }

  private RandomMemory() {}

  /** Fills a whole buffer with numbers of {@code dtype}. */
  static void fill(CudaBackend backend, Buffer buffer, DType dtype) {
    long bytes = Math.min((long) NUMBERS * dtype.bytes(), buffer.bytes());
    MemorySegment numbers =
        dtype == DType.BF16 ? MemorySegment.ofArray(HALVES) : MemorySegment.ofArray(SINGLES);
    Shape first = Shape.of((int) (bytes / dtype.bytes()));
    backend.upload(new Tensor(buffer, 0, dtype, first), numbers.asSlice(0, bytes));
    for (long filled = bytes; filled < buffer.bytes(); filled *= 2) {
      long more = Math.min(filled, buffer.bytes() - filled);
      backend.stream().copy(buffer.address() + filled, buffer.address(), more);
    }
  }
}
