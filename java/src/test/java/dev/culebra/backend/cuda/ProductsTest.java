package dev.culebra.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Ops;
import dev.culebra.backend.cuda.KernelChoice.Attention;
import dev.culebra.backend.cuda.KernelChoice.Products;
import dev.culebra.cuda.Binding;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** BF16 products with epilogues: the launches they need, and their precision. */
@Tag("cuda")
class ProductsTest {
  private static final int ROWS = 48;
  private static final int INPUTS = 64;
  private static final int OUTPUTS = 96;

  private CudaBackend backend;
  private Buffer memory;
  private long used;
  private Ops ops;
  private Tensor in;
  private Tensor pre;
  private Tensor weight;
  private Tensor bias;
  private Tensor out;
  private Tensor outPre;

  private void open(Products products) {
    KernelChoice kernels = new KernelChoice(Attention.AUTO, products);
    backend = TestGpu.open(Binding.FFM, DType.BF16, kernels);
    memory = backend.allocate(1 << 20);
    ops = backend.ops();
    RandomStream random = new RandomStream(3, 0, 0);
    in = random(random, ROWS, INPUTS);
    pre = random(random, ROWS, INPUTS);
    weight = random(random, OUTPUTS, INPUTS);
    bias = random(random, OUTPUTS);
    out = random(random, ROWS, OUTPUTS);
    outPre = random(random, ROWS, OUTPUTS);
  }

  @AfterEach
  void close() {
    if (memory != null) {
      memory.close();
      backend.close();
    }
  }

  private Tensor tensor(DType dtype, int... dims) {
    Tensor tensor = new Tensor(memory, used, dtype, Shape.of(dims));
    used += Math.ceilDiv(tensor.bytes(), 256) * 256;
    return tensor;
  }

  /** Rounded to nearest. */
  private Tensor random(RandomStream random, int... dims) {
    Tensor tensor = tensor(DType.BF16, dims);
    Tensor single = tensor(DType.F32, dims);
    float[] values = new float[Math.toIntExact(tensor.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextNormal();
    }
    backend.upload(single, values);
    ops.elementwise().convert(tensor, single);
    return tensor;
  }

  private float[] read(Tensor tensor) {
    Tensor single = tensor(DType.F32, Math.toIntExact(tensor.elements()));
    ops.elementwise().convert(single, tensor.slice(0, single.shape()));
    return backend.readFloatsBlocking(single);
  }

  private void forward(Tensor outPre, Tensor bias, Activation activation) {
    ops.linear().forward(out, outPre, in, weight, bias, activation);
  }

  private void backward(Tensor dIn, Tensor inPre, Activation activation) {
    ops.linear()
        .backward(
            dIn, tensor(DType.F32, OUTPUTS, INPUTS), null, out, in, weight, inPre, activation);
  }

  @ParameterizedTest
  @CsvSource({"LT, 0", "GEMM, 1"})
  void biasAndGeluNeedNoExtraLaunch(Products products, int launches) {
    SimulatorCounters counters = new SimulatorCounters();
    open(products);
    counters.reset();
    forward(null, bias, Activation.IDENTITY);
    forward(null, bias, Activation.GELU_TANH);
    forward(outPre, bias, Activation.GELU_TANH);
    forward(null, null, Activation.GELU_TANH);
    forward(outPre, null, Activation.GELU_TANH);
    backward(in, pre, Activation.GELU_TANH);
    assertThat(counters.matrixProducts()).as("products").isEqualTo(7);
    assertThat(counters.kernelLaunches()).as("other launches").isEqualTo(6L * launches);
    assertThat(counters.allocations()).as("allocations").isZero();
  }

  /** cublasLt has only the tanh form of GELU. */
  @ParameterizedTest
  @EnumSource(names = {"RELU", "GELU_ERF", "SILU"})
  void otherActivationsAreLaunchedAfterTheProduct(Activation activation) {
    SimulatorCounters counters = new SimulatorCounters();
    open(Products.LT);
    counters.reset();
    forward(outPre, bias, activation);
    backward(in, pre, activation);
    assertThat(counters.kernelLaunches()).isEqualTo(2);
  }

  /** The relative L2 error of numbers that are rounded once: about 2⁻⁸ / √6. */
  private static final double ONE_ROUNDING = 1.9e-3;

  private static double relativeError(float[] actual, double[] exact) {
    double error = 0;
    double size = 0;
    for (int i = 0; i < exact.length; i++) {
      error += (actual[i] - exact[i]) * (actual[i] - exact[i]);
      size += exact[i] * exact[i];
    }
    return Math.sqrt(error / size);
  }

  private static double gate(double x) {
    return 1 / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
  }

  private static double slope(double x) {
    double gate = gate(x);
    return gate + x * 2 * gate * (1 - gate) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
  }

  /**
   * Sums of products in double precision: a (rows, depth) · b, b[k, j] at k · down + j · across.
   */
  private static double[] product(
      float[] a, int depth, float[] b, int down, int across, int columns) {
    double[] sums = new double[a.length / depth * columns];
    for (int i = 0; i < sums.length; i++) {
      for (int k = 0; k < depth; k++) {
        sums[i] += (double) a[i / columns * depth + k] * b[k * down + i % columns * across];
      }
    }
    return sums;
  }

  /**
   * In the epilogue, the activation is applied to the unrounded sum: an element is rounded once.
   */
  @ParameterizedTest
  @CsvSource({"LT, 1", "GEMM, 2.5"})
  void anEpilogueRoundsOnce(Products products, double roundings) {
    open(products);
    forward(outPre, bias, Activation.GELU_TANH);
    double[] exact = product(read(in), INPUTS, read(weight), 1, INPUTS, OUTPUTS);
    double[] activated = new double[exact.length];
    float[] shift = read(bias);
    for (int i = 0; i < exact.length; i++) {
      exact[i] += shift[i % OUTPUTS];
      activated[i] = exact[i] * gate(exact[i]);
    }
    assertThat(relativeError(read(outPre), exact)).isLessThan(roundings * ONE_ROUNDING);
    assertThat(relativeError(read(out), activated)).isLessThan(roundings * ONE_ROUNDING);

    Tensor dIn = tensor(DType.BF16, ROWS, INPUTS);
    backward(dIn, pre, Activation.GELU_TANH);
    double[] gradient = product(read(out), OUTPUTS, read(weight), INPUTS, 1, INPUTS);
    float[] at = read(pre);
    for (int i = 0; i < gradient.length; i++) {
      gradient[i] *= slope(at[i]);
    }
    assertThat(relativeError(read(dIn), gradient)).isLessThan(roundings * ONE_ROUNDING);
  }
}
