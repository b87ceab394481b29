package dev.culebra.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.backend.Activation;
import dev.culebra.cuda.Binding;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** With {@code --tf32} products of fp32 round their inputs to 10 bits of significand; else not. */
@Tag("cuda")
class Tf32Test {
  private static final int SIZE = 64;

  private static float[] product(boolean tf32) {
    TestGpu.open(Binding.FFM, DType.F32).close(); // skips the test where there is no GPU
    CudaConfig config = new CudaConfig(0, Binding.FFM, DType.F32, tf32);
    Shape square = Shape.of(SIZE, SIZE);
    try (CudaBackend backend = new CudaBackend(config);
        Buffer memory = backend.allocate(3 * square.elements() * Float.BYTES)) {
      Tensor[] matrices = new Tensor[3];
      RandomStream random = new RandomStream(3, 0, 0);
      for (int i = 0; i < matrices.length; i++) {
        matrices[i] = new Tensor(memory, i * square.elements() * Float.BYTES, DType.F32, square);
        float[] values = new float[SIZE * SIZE];
        for (int e = 0; e < values.length; e++) {
          values[e] = random.nextNormal();
        }
        backend.upload(matrices[i], values);
      }
      backend
          .ops()
          .linearForward(matrices[0], null, matrices[1], matrices[2], null, Activation.IDENTITY);
      return backend.readFloatsBlocking(matrices[0]);
    }
  }

  @Test
  void roundsTheInputsAndNothingElse() {
    float[] exact = product(false);
    float[] rounded = product(true);
    double largest = 0;
    for (int i = 0; i < exact.length; i++) {
      largest = Math.max(largest, Math.abs(exact[i] - rounded[i]));
    }
    assertThat(largest).isBetween(1e-4, 0.1);
  }
}
