package dev.culebra.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.backend.Activation;
import dev.culebra.backend.cuda.KernelChoice.Attention;
import dev.culebra.backend.cuda.KernelChoice.Products;
import dev.culebra.cuda.Binding;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * With {@code --tf32}, fp32 products round their inputs to a 10-bit fraction; without it they do
 * not, and bf16 products never do.
 */
@Tag("cuda")
class Tf32Test {
  private static final int SIZE = 64;

  private static float[] product(DType dtype, boolean tf32, Products products) {
    TestGpu.open(Binding.FFM, dtype).close(); // skips the test if there is no GPU
    KernelChoice kernels = new KernelChoice(Attention.AUTO, products);
    CudaConfig config = new CudaConfig(0, Binding.FFM, dtype, tf32, kernels);
    Shape square = Shape.of(SIZE, SIZE);
    try (CudaBackend backend = new CudaBackend(config);
        Buffer memory = backend.allocate(4 * square.elements() * Float.BYTES)) {
      Tensor[] matrices = new Tensor[3];
      Tensor single = new Tensor(memory, 3 * square.elements() * Float.BYTES, DType.F32, square);
      RandomStream random = new RandomStream(3, 0, 0);
      for (int i = 0; i < matrices.length; i++) {
        matrices[i] = new Tensor(memory, i * square.elements() * Float.BYTES, dtype, square);
        float[] values = new float[SIZE * SIZE];
        for (int e = 0; e < values.length; e++) {
          values[e] = random.nextNormal();
        }
        backend.upload(single, values);
        convert(backend, matrices[i], single);
      }
      backend
          .ops()
          .linear()
          .forward(matrices[0], null, matrices[1], matrices[2], null, Activation.IDENTITY);
      convert(backend, single, matrices[0]);
      return backend.readFloatsBlocking(single);
    }
  }

  private static void convert(CudaBackend backend, Tensor out, Tensor in) {
    if (out.dtype() == in.dtype()) {
      backend.stream().copy(out.address(), in.address(), in.bytes());
    } else {
      backend.ops().elementwise().convert(out, in);
    }
  }

  /** cuBLAS has no such products: a request would be an error. */
  @ParameterizedTest
  @EnumSource(names = {"LT", "GEMM"})
  void doesNothingToBf16(Products products) {
    assertThat(product(DType.BF16, true, products)).isEqualTo(product(DType.BF16, false, products));
  }

  @Test
  void roundsTheInputsAndNothingElse() {
    float[] exact = product(DType.F32, false, Products.AUTO);
    float[] rounded = product(DType.F32, true, Products.AUTO);
    double largest = 0;
    for (int i = 0; i < exact.length; i++) {
      largest = Math.max(largest, Math.abs(exact[i] - rounded[i]));
    }
    assertThat(largest).isBetween(1e-4, 0.1);
  }
}
