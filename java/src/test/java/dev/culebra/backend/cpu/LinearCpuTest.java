package dev.culebra.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.backend.Activation;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class LinearCpuTest {
  /** The two implementations of the inner loops. */
  enum Loops {
    VECTOR,
    SCALAR;

    GemmKernel kernel() {
      return this == VECTOR ? new VectorGemmKernel() : new ScalarGemmKernel();
    }
  }

  private final List<HostBuffer> buffers = new ArrayList<>();
  private final SplittableRandom random = new SplittableRandom(7);

  @AfterEach
  void closeBuffers() {
    buffers.forEach(HostBuffer::close);
  }

  /** N, OC, IC: below, at and above a tile, a dot product, several stretches of the depth. */
  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "1, 7, 33",
    "3, 130, 5",
    "8, 66, 64",
    "9, 32, 16",
    "12, 32, 1",
    "13, 33, 17",
    "24, 64, 512",
    "25, 65, 513",
    "64, 64, 32",
    "64, 1, 40",
    "100, 97, 1031",
    "769, 31, 3",
    "40, 600, 90"
  })
  void agreesWithTheDefinition(int n, int oc, int ic) {
    for (Loops loops : Loops.values()) {
      try (WorkerPool pool = new WorkerPool(2)) {
        LinearCpu linear = LinearLayers.with(loops.kernel(), pool);
        forwardAgrees(linear, n, oc, ic);
        backwardAgrees(linear, n, oc, ic);
      }
    }
  }

  private void forwardAgrees(LinearCpu linear, int n, int oc, int ic) {
    Tensor in = randomTensor(n, ic);
    Tensor weight = randomTensor(oc, ic);
    Tensor bias = randomTensor(oc);
    Tensor out = randomTensor(n, oc);
    Tensor unbiased = randomTensor(n, oc);
    linear.forward(out, null, in, weight, bias, Activation.IDENTITY);
    linear.forward(unbiased, null, in, weight, null, Activation.IDENTITY);
    for (int r = 0; r < n; r++) {
      for (int o = 0; o < oc; o++) {
        double sum = 0;
        for (int i = 0; i < ic; i++) {
          sum += (double) at(in, r, i) * at(weight, o, i);
        }
        assertThat((double) at(unbiased, r, o)).isCloseTo(sum, within(tolerance(ic)));
        assertThat((double) at(out, r, o)).isCloseTo(sum + bias.getFloat(o), within(tolerance(ic)));
      }
    }
  }

  private void backwardAgrees(LinearCpu linear, int n, int oc, int ic) {
    Tensor in = randomTensor(n, ic);
    Tensor weight = randomTensor(oc, ic);
    Tensor dOut = randomTensor(n, oc);
    Tensor dIn = randomTensor(n, ic);
    Tensor dWeight = randomTensor(oc, ic);
    Tensor dBias = randomTensor(oc);
    float[] weightBefore = floats(dWeight);
    float[] biasBefore = floats(dBias);
    linear.backward(dIn, dWeight, dBias, dOut, in, weight, null, Activation.IDENTITY);
    for (int r = 0; r < n; r++) {
      for (int i = 0; i < ic; i++) {
        double sum = 0;
        for (int o = 0; o < oc; o++) {
          sum += (double) at(dOut, r, o) * at(weight, o, i);
        }
        assertThat((double) at(dIn, r, i)).isCloseTo(sum, within(tolerance(oc)));
      }
    }
    for (int o = 0; o < oc; o++) {
      double sumBias = biasBefore[o];
      for (int r = 0; r < n; r++) {
        sumBias += at(dOut, r, o);
      }
      assertThat((double) dBias.getFloat(o)).isCloseTo(sumBias, within(tolerance(n)));
      for (int i = 0; i < ic; i++) {
        double sum = weightBefore[o * ic + i];
        for (int r = 0; r < n; r++) {
          sum += (double) at(dOut, r, o) * at(in, r, i);
        }
        assertThat((double) at(dWeight, o, i)).isCloseTo(sum, within(tolerance(n)));
      }
    }
  }

  /** Values are in [−1, 1): a sum of n products has an error of at most about n · 2⁻²⁴ · √n. */
  private static double tolerance(int terms) {
    return 2e-6 + 1e-7 * terms * Math.sqrt(terms) / 4;
  }

  @ParameterizedTest
  @EnumSource
  void resultDoesNotDependOnThreads(Loops loops) {
    int[][] shapes = {{1, 700, 130}, {5, 50, 300}, {130, 260, 70}, {200, 129, 1100}};
    for (int[] shape : shapes) {
      Tensor in = randomTensor(shape[0], shape[2]);
      Tensor weight = randomTensor(shape[1], shape[2]);
      Tensor bias = randomTensor(shape[1]);
      Tensor dOut = randomTensor(shape[0], shape[1]);
      List<float[]> first = allResults(1, loops, in, weight, bias, dOut);
      for (int threads : new int[] {2, 5}) {
        List<float[]> results = allResults(threads, loops, in, weight, bias, dOut);
        for (int i = 0; i < first.size(); i++) {
          assertThat(results.get(i)).containsExactly(first.get(i));
        }
      }
    }
  }

  private List<float[]> allResults(
      int threads, Loops loops, Tensor in, Tensor weight, Tensor bias, Tensor dOut) {
    Tensor out = tensor(dOut.shape());
    Tensor pre = tensor(dOut.shape());
    Tensor dIn = tensor(in.shape());
    Tensor dWeight = tensor(weight.shape());
    Tensor dBias = tensor(bias.shape());
    try (WorkerPool pool = new WorkerPool(threads)) {
      LinearCpu linear = LinearLayers.with(loops.kernel(), pool);
      linear.forward(out, pre, in, weight, bias, Activation.RELU);
      linear.backward(dIn, dWeight, dBias, dOut, in, weight, null, Activation.IDENTITY);
    }
    return List.of(floats(out), floats(pre), floats(dIn), floats(dWeight), floats(dBias));
  }

  @ParameterizedTest
  @CsvSource({"2, 40, 20", "50, 40, 1200"})
  void activatesAfterTheBias(int n, int oc, int ic) {
    Tensor in = randomTensor(n, ic);
    Tensor weight = randomTensor(oc, ic);
    Tensor bias = randomTensor(oc);
    Tensor plain = tensor(Shape.of(n, oc));
    Tensor pre = tensor(Shape.of(n, oc));
    Tensor out = tensor(Shape.of(n, oc));
    Tensor inPlace = tensor(Shape.of(n, oc));
    try (WorkerPool pool = new WorkerPool(2)) {
      LinearCpu linear = LinearLayers.with(CpuKernels.best().gemm(), pool);
      linear.forward(plain, null, in, weight, bias, Activation.IDENTITY);
      linear.forward(out, pre, in, weight, bias, Activation.RELU);
      linear.forward(inPlace, null, in, weight, bias, Activation.RELU);
    }
    float[] expected = floats(plain);
    assertThat(floats(pre)).containsExactly(expected);
    for (int i = 0; i < expected.length; i++) {
      expected[i] = Math.max(expected[i], 0);
    }
    assertThat(floats(out)).containsExactly(expected);
    assertThat(floats(inPlace)).containsExactly(expected);
  }

  /** The sums that layernorm computes for a linear layer have the same bits as the layer's own. */
  @ParameterizedTest
  @EnumSource
  void gradientOfTheBiasAloneHasTheSameBits(Loops loops) {
    for (int[] shape : new int[][] {{1, 1, 3}, {5, 50, 30}, {530, 70, 20}, {1200, 40, 200}}) {
      Tensor dOut = randomTensor(shape[0], shape[1]);
      Tensor in = randomTensor(shape[0], shape[2]);
      Tensor weight = randomTensor(shape[1], shape[2]);
      Tensor whole = randomTensor(shape[1]);
      Tensor alone = tensor(whole.shape());
      MemorySegment.copy(whole.segment(), 0, alone.segment(), 0, whole.bytes());
      try (WorkerPool pool = new WorkerPool(2)) {
        LinearCpu linear = LinearLayers.with(loops.kernel(), pool);
        linear.backward(
            null, tensor(weight.shape()), whole, dOut, in, weight, null, Activation.IDENTITY);
        linear.addBiasGradient(alone, dOut);
      }
      assertThat(floats(alone)).containsExactly(floats(whole));
    }
  }

  @Test
  void gradientOfInputAndBiasMayBeAbsent() {
    Tensor in = randomTensor(20, 30);
    Tensor weight = randomTensor(40, 30);
    Tensor dOut = randomTensor(20, 40);
    Tensor all = tensor(weight.shape());
    Tensor alone = tensor(weight.shape());
    try (WorkerPool pool = new WorkerPool(1)) {
      LinearCpu linear = LinearLayers.with(CpuKernels.best().gemm(), pool);
      linear.backward(
          tensor(in.shape()),
          all,
          tensor(Shape.of(40)),
          dOut,
          in,
          weight,
          null,
          Activation.IDENTITY);
      linear.backward(null, alone, null, dOut, in, weight, null, Activation.IDENTITY);
    }
    assertThat(floats(alone)).containsExactly(floats(all));
  }

  @Test
  void rejectsAClosedBuffer() {
    Tensor in = randomTensor(4, 6);
    Tensor weight = randomTensor(5, 6);
    Tensor out = randomTensor(4, 5);
    try (WorkerPool pool = new WorkerPool(1)) {
      LinearCpu linear = LinearLayers.with(CpuKernels.best().gemm(), pool);
      buffers.getFirst().close();
      assertThatThrownBy(() -> linear.forward(out, null, in, weight, null, Activation.IDENTITY))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
    }
  }

  private static float at(Tensor tensor, int row, int column) {
    return tensor.getFloat((long) row * tensor.shape().dim(-1) + column);
  }

  private static float[] floats(Tensor tensor) {
    float[] values = new float[(int) tensor.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.getFloat(i);
    }
    return values;
  }

  private Tensor randomTensor(int... dims) {
    Tensor tensor = tensor(Shape.of(dims));
    for (int i = 0; i < tensor.elements(); i++) {
      tensor.setFloat(i, (float) random.nextDouble(-1, 1));
    }
    return tensor;
  }

  /** In a buffer of exactly its size, so that a write beyond it may be noticed. */
  private Tensor tensor(Shape shape) {
    HostBuffer buffer = new HostBuffer(4 * shape.elements(), closed -> {});
    buffers.add(buffer);
    return new Tensor(buffer, 0, DType.F32, shape);
  }
}
