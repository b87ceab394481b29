package dev.culebra.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.culebra.io.Owned;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two contexts in one process: each call goes to the right one. */
@Tag("cuda")
class TwoGpusTest {
  private static final int NUMBERS = 1024;
  private static final long BYTES = 4L * NUMBERS;

  private final Owned owned = new Owned();

  @AfterEach
  void close() {
    owned.close();
  }

  private CudaContext open(Binding binding, int device) {
    try {
      return owned.add(new CudaContext(Cuda.withoutCublas(binding), device));
    } catch (CudaUnavailableException e) {
      assumeTrue(false, e.getMessage());
      throw e;
    }
  }

  /** A GPU with a stream, kernels and a buffer. */
  private final class Gpu {
    final CudaContext context;
    final Stream stream;
    final KernelFunction fill;
    final DeviceBuffer buffer;

    Gpu(CudaContext context) {
      this.context = context;
      stream = owned.add(new Stream(context));
      fill = owned.add(new KernelLibrary(context, KernelIndex.load())).kernel("fill_f32");
      buffer = owned.add(context.allocate(BYTES));
    }

    void fill(float value) {
      fill.with(buffer.address())
          .with(value)
          .with((long) NUMBERS)
          .launch(LaunchSize.flat(4, 256), stream);
    }

    float[] read() {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment host = arena.allocate(JAVA_FLOAT, NUMBERS);
        stream.download(host, buffer.address());
        stream.synchronize();
        return host.toArray(JAVA_FLOAT);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FFM", "JCUDA"})
  void oneThreadCanAlternateBetweenGpus(Binding binding) {
    Gpu first = new Gpu(open(binding, 0));
    Gpu second = new Gpu(open(binding, 1));
    for (int round = 1; round <= 3; round++) {
      first.fill(round);
      second.fill(-round);
      assertThat(first.read()).containsOnly(round);
      assertThat(second.read()).containsOnly(-round);
    }
  }

  @Test
  void memoryBelongsToTheGpuThatAllocatedIt() {
    CudaContext first = open(Binding.FFM, 0);
    CudaContext second = open(Binding.FFM, 1);
    long freeOfFirst = first.freeMemory();
    long freeOfSecond = second.freeMemory();
    owned.add(first.allocate(BYTES));
    owned.add(second.allocate(2 * BYTES));
    assertThat(freeOfFirst - first.freeMemory()).isEqualTo(BYTES);
    assertThat(freeOfSecond - second.freeMemory()).isEqualTo(2 * BYTES);
  }

  /** The driver's own state, no matter which binding or library changed it. */
  @Test
  void contextsMadeCurrentByOthersDoNotMatter() {
    Gpu first = new Gpu(open(Binding.FFM, 0));
    Gpu second = new Gpu(open(Binding.JCUDA, 1));
    second.fill(2);
    first.fill(1);
    assertThat(second.read()).containsOnly(2);
    assertThat(first.read()).containsOnly(1);
  }

  /** Closing one user's context keeps the GPU usable: the primary context remains. */
  @Test
  void twoUsersOfOneGpuCanCloseSeparately() {
    CudaContext early = open(Binding.FFM, 0);
    Gpu late = new Gpu(open(Binding.FFM, 0));
    early.close();
    late.fill(3);
    assertThat(late.read()).containsOnly(3);
    assertThatThrownBy(early::freeMemory)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("was closed");
  }

  @Test
  void aStreamOfAnotherGpuIsRejected() {
    Gpu first = new Gpu(open(Binding.FFM, 0));
    Gpu second = new Gpu(open(Binding.FFM, 1));
    assertThatThrownBy(
            () ->
                first
                    .fill
                    .with(first.buffer.address())
                    .with(1f)
                    .with((long) NUMBERS)
                    .launch(LaunchSize.flat(4, 256), second.stream))
        .isInstanceOf(CudaException.class)
        .hasMessageContaining("CUDA_ERROR_INVALID_HANDLE");
  }
}
