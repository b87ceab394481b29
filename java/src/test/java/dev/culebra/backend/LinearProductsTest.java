package dev.culebra.backend;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.culebra.backend.cuda.KernelChoice;
import dev.culebra.backend.cuda.KernelChoice.Attention;
import dev.culebra.backend.cuda.KernelChoice.Products;
import dev.culebra.backend.cuda.TestGpu;
import dev.culebra.cuda.Binding;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;

/** The contract of linear layers in BF16, with each implementation of matrix products. */
@Tag("cuda")
class LinearProductsTest {
  private static final long MEMORY = 32 << 20;

  @TestFactory
  Stream<DynamicTest> byCublasLt() {
    return cases(Products.LT);
  }

  @TestFactory
  Stream<DynamicTest> byCublasGemmEx() {
    return cases(Products.GEMM);
  }

  private static Stream<DynamicTest> cases(Products products) {
    KernelChoice kernels = new KernelChoice(Attention.AUTO, products);
    Backend backend = TestGpu.open(Binding.FFM, DType.BF16, kernels);
    Buffer memory = backend.allocate(MEMORY);
    return LinearCases.all()
        .map(each -> dynamicTest(each.name(), () -> OpRun.of(each, backend, memory).verify()))
        .onClose(
            () -> {
              memory.close();
              backend.close();
            });
  }
}
