package dev.culebra.backend;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.culebra.backend.cuda.TestGpu;
import dev.culebra.cuda.Binding;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/**
 * Attention in BF16 on a GPU with little shared memory, which uses other instances of the kernels.
 */
@Tag("cuda-small")
class SmallGpuTest {
  private static final long MEMORY = 32 << 20;

  @TestFactory
  Stream<DynamicTest> attention() {
    Backend backend = TestGpu.open(Binding.FFM, DType.BF16);
    Buffer memory = backend.allocate(MEMORY);
    return AttentionCases.all()
        .map(each -> dynamicTest(each.name(), () -> OpRun.of(each, backend, memory).verify()))
        .onClose(
            () -> {
              memory.close();
              backend.close();
            });
  }
}
