package dev.culebra.backend;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.culebra.backend.cuda.TestGpu;
import dev.culebra.cuda.Binding;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/**
 * Runs every kernel in the checked simulator, which stops a kernel with races, illegal accesses,
 * reads of uninitialised memory, or missing waits for copies. It is slow, so each operation runs
 * only a few of its cases, evenly spread.
 */
@Tag("cuda-checked")
class CheckedKernelsTest {
  private static final int CASES = 12;
  private static final long MEMORY = 32 << 20;

  @TestFactory
  Stream<DynamicTest> fp32() {
    return cases(DType.F32);
  }

  @TestFactory
  Stream<DynamicTest> bf16() {
    return cases(DType.BF16);
  }

  private static Stream<DynamicTest> cases(DType dtype) {
    Backend backend = TestGpu.open(Binding.FFM, dtype);
    Buffer memory = backend.allocate(MEMORY);
    Map<String, List<OpCase>> byOperation =
        OpCases.all().stream()
            .collect(Collectors.groupingBy(OpCase::op, LinkedHashMap::new, Collectors.toList()));
    return byOperation.values().stream()
        .flatMap(CheckedKernelsTest::some)
        .map(each -> dynamicTest(each.name(), () -> OpRun.of(each, backend, memory).verify()))
        .onClose(
            () -> {
              memory.close();
              backend.close();
            });
  }

  private static Stream<OpCase> some(List<OpCase> cases) {
    int step = Math.ceilDiv(cases.size(), CASES);
    return Stream.iterate(0, i -> i < cases.size(), i -> i + step).map(cases::get);
  }
}
