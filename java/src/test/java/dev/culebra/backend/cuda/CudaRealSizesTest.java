package dev.culebra.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.culebra.backend.Activation;
import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.Backend;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.backend.Ops;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.cuda.Binding;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.BFloat16;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The operations at the sizes of GPT-2 (T = 1024, C = 768, V = 50304), where launches have many
 * blocks and sums many terms: GPU and CPU must agree. The contract tests the values of the
 * elements.
 */
@Tag("cuda")
class CudaRealSizesTest {
  private static final int T = 1024;
  private static final int C = 768;
  private static final int HEADS = 12;
  private static final int V = 50257;
  private static final int PADDED_V = 50304;
  private static final int ROWS = 64;

  /** An operation on tensors of a {@link Bench}, and its results. */
  @FunctionalInterface
  private interface Work {
    List<Tensor> run(Bench bench, Ops ops);
  }

  /** Memory of a backend, with the same random content on each. */
  private static final class Bench implements AutoCloseable {
    private final Backend backend;
    private final List<Buffer> buffers = new ArrayList<>();
    private int stream;

    Bench(Backend backend) {
      this.backend = backend;
    }

    Tensor random(int... dims) {
      return filled(backend.dtype(), 1, dims);
    }

    Tensor single(int... dims) {
      return filled(DType.F32, 0, dims);
    }

    Tensor empty(int... dims) {
      return filled(backend.dtype(), 0, dims);
    }

    private Tensor filled(DType dtype, float scale, int... dims) {
      Shape shape = Shape.of(dims);
      Buffer buffer = backend.allocate(shape.elements() * dtype.bytes());
      buffers.add(buffer);
      Tensor tensor = new Tensor(buffer, 0, dtype, shape);
      if (scale != 0) {
        RandomStream random = new RandomStream(11, stream++, 0);
        float[] values = new float[(int) shape.elements()];
        short[] rounded = new short[values.length];
        for (int i = 0; i < values.length; i++) {
          rounded[i] = BFloat16.fromFloat(scale * random.nextNormal());
          values[i] = BFloat16.toFloat(rounded[i]);
        }
        backend.upload(
            tensor,
            dtype == DType.BF16 ? MemorySegment.ofArray(rounded) : MemorySegment.ofArray(values));
      }
      return tensor;
    }

    Tensor tokens(int bound, int... dims) {
      Shape shape = Shape.of(dims);
      Buffer buffer = backend.allocate(shape.elements() * Integer.BYTES);
      buffers.add(buffer);
      RandomStream random = new RandomStream(12, stream++, 0);
      int[] values = new int[(int) shape.elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = random.nextInt(bound);
      }
      Tensor tensor = new Tensor(buffer, 0, DType.I32, shape);
      backend.upload(tensor, values);
      return tensor;
    }

    List<float[]> results(Work work) {
      return work.run(this, backend.ops()).stream().map(backend::readFloatsBlocking).toList();
    }

    @Override
    public void close() {
      buffers.forEach(Buffer::close);
      backend.close();
    }
  }

  /** The largest difference, relative to the largest number. */
  private static void assertAgree(DType dtype, Work work) {
    assertAgree(dtype, dtype == DType.BF16 ? 1.5e-2 : 2e-5, work);
  }

  private static void assertAgree(DType dtype, double tolerance, Work work) {
    List<float[]> expected;
    try (Bench bench = new Bench(new CpuBackend())) {
      expected = bench.results(work);
    }
    try (Bench bench = new Bench(TestGpu.open(Binding.FFM, dtype))) {
      List<float[]> actual = bench.results(work);
      for (int i = 0; i < expected.size(); i++) {
        assertThat(distance(actual.get(i), expected.get(i)))
            .as("result %d", i)
            .isLessThan(tolerance);
      }
    }
  }

  private static double distance(float[] actual, float[] expected) {
    double largest = 0;
    double apart = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      double difference = Math.abs((double) actual[i] - expected[i]);
      apart = difference <= Double.MAX_VALUE ? Math.max(apart, difference) : Double.NaN;
      if (Double.isNaN(apart)) {
        return apart;
      }
    }
    assertThat(largest).isPositive();
    return apart / largest;
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void attention(DType dtype) {
    AttentionSpec spec = new AttentionSpec(HEADS, true, DropoutSpec.NONE);
    assertAgree(
        dtype,
        (bench, ops) -> {
          Tensor qkv = bench.random(1, T, 3 * C);
          Tensor dOut = bench.random(1, T, C);
          Tensor out = bench.empty(1, T, C);
          Tensor logSumExp = bench.single(1, HEADS, T);
          Tensor dQkv = bench.empty(1, T, 3 * C);
          ops.attention().forward(out, logSumExp, qkv, spec);
          ops.attention()
              .backward(dQkv, bench.single(1, HEADS, T), dOut, out, logSumExp, qkv, spec);
          return List.of(out, logSumExp, dQkv);
        });
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void layerNorm(DType dtype) {
    assertAgree(
        dtype,
        (bench, ops) -> {
          Tensor in = bench.random(T, C);
          Tensor weight = bench.random(C);
          Tensor out = bench.empty(T, C);
          Tensor mean = bench.single(T);
          Tensor rstd = bench.single(T);
          Tensor dIn = bench.empty(T, C);
          Tensor dWeight = bench.single(C);
          Tensor dBias = bench.single(C);
          ops.layerNorm().forward(out, mean, rstd, in, weight, bench.random(C), 1e-5f);
          Tensor dBranchBias = bench.single(C);
          ops.layerNorm()
              .backward(
                  dIn, dWeight, dBias, dBranchBias, bench.random(T, C), in, mean, rstd, weight);
          return List.of(out, rstd, dIn, dWeight, dBias, dBranchBias);
        });
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void linear(DType dtype) {
    assertAgree(
        dtype,
        (bench, ops) -> {
          Tensor in = bench.random(2 * ROWS, C);
          Tensor weight = bench.random(4 * C, C);
          Tensor out = bench.empty(2 * ROWS, 4 * C);
          Tensor pre = bench.empty(2 * ROWS, 4 * C);
          Tensor dIn = bench.empty(2 * ROWS, C);
          Tensor dWeight = bench.single(4 * C, C);
          Tensor dBias = bench.single(4 * C);
          ops.linear().forward(out, pre, in, weight, bench.random(4 * C), Activation.GELU_TANH);
          Tensor dOut = bench.random(2 * ROWS, 4 * C);
          ops.linear()
              .backward(
                  dIn,
                  dWeight,
                  dBias,
                  dOut,
                  in,
                  weight,
                  bench.random(2 * ROWS, C),
                  Activation.GELU_TANH);
          return List.of(out, pre, dIn, dWeight, dBias);
        });
  }

  /** Newton–Schulz steps amplify rounding errors, see {@code MuonCases}. */
  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void orthogonalise(DType dtype) {
    assertAgree(
        dtype,
        dtype == DType.BF16 ? 5e-2 : 1e-4,
        (bench, ops) -> {
          Tensor wide = bench.random(2, C, 3 * C);
          Tensor tall = bench.random(1, 3 * C, C);
          ops.muon().orthogonalise(wide);
          ops.muon().orthogonalise(tall);
          return List.of(wide, tall);
        });
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "BF16"})
  void crossEntropyAndEmbedding(DType dtype) {
    assertAgree(
        dtype,
        (bench, ops) -> {
          Tensor logits = bench.random(ROWS, PADDED_V);
          Tensor losses = bench.single(ROWS);
          Tensor mean = bench.single(1);
          ops.crossEntropy().forwardBackward(losses, mean, logits, bench.tokens(V, ROWS), V, 1);
          Tensor table = bench.single(PADDED_V, C);
          Tensor positions = bench.single(T, C);
          ops.embedding().backward(table, positions, bench.random(2, T, C), bench.tokens(V, 2, T));
          return List.of(losses, mean, logits, table, positions);
        });
  }
}
