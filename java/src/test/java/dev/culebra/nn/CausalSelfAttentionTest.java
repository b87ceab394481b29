package dev.culebra.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.culebra.backend.Activation;
import dev.culebra.backend.AttentionSpec;
import dev.culebra.backend.Backend;
import dev.culebra.backend.DropoutSpec;
import dev.culebra.backend.Planner;
import dev.culebra.backend.cpu.CpuBackend;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The lecture's exercise: all heads in one equal the separate heads side by side, weight for
 * weight.
 */
class CausalSelfAttentionTest {
  private static final int BATCH = 2;
  private static final int TIME = 11;
  private static final int HEADS = 3;
  private static final int SIZE = 16;
  private static final int WIDTH = HEADS * SIZE;

  private final Backend backend = new CpuBackend(2);
  private final List<Buffer> buffers = new ArrayList<>();

  @AfterEach
  void close() {
    buffers.forEach(Buffer::close);
    assertThat(backend.memory().liveBuffers()).isZero();
    backend.close();
  }

  @Test
  void equalsSeparateHeadsConcatenated() {
    GptConfig config = new GptConfig(1, HEADS, WIDTH, TIME, 1, 0, true, true, Activation.GELU_TANH);
    CausalSelfAttention all = new CausalSelfAttention(config, true);
    Tensor in = floats(1, BATCH, TIME, WIDTH);
    try (Parameters parameters = new Parameters(backend, all);
        Buffer activations =
            Planner.plan(backend, false, planner -> all.plan(planner, BATCH, TIME))) {
      assertThat(activations.bytes()).isPositive();
      Map<String, Tensor> weights =
          parameters.list().stream().collect(Collectors.toMap(Parameter::name, Parameter::value));
      weights.forEach((name, weight) -> fill(weight, name.hashCode()));

      float[] together = backend.readFloatsBlocking(all.forward(in));

      float[] concatenated = new float[BATCH * TIME * WIDTH];
      for (int head = 0; head < HEADS; head++) {
        float[] one = head(in, weights.get("c_attn.weight"), weights.get("c_attn.bias"), head);
        for (int row = 0; row < BATCH * TIME; row++) {
          System.arraycopy(one, row * SIZE, concatenated, row * WIDTH + head * SIZE, SIZE);
        }
      }
      Tensor heads = tensor(BATCH, TIME, WIDTH);
      backend.upload(heads, concatenated);
      Tensor projected =
          linear(heads, weights.get("c_proj.weight"), weights.get("c_proj.bias"), WIDTH);
      assertThat(together).containsExactly(backend.readFloatsBlocking(projected), within(1e-5f));
    }
  }

  /** One head as in the lecture, with its own key, query and value layers. (B, T, SIZE) */
  private float[] head(Tensor in, Tensor weight, Tensor bias, int head) {
    float[][] parts = new float[3][];
    for (int part = 0; part < 3; part++) { // query, key, value
      int firstRow = part * WIDTH + head * SIZE;
      Tensor ownWeight = weight.slice((long) firstRow * WIDTH, Shape.of(SIZE, WIDTH));
      Tensor ownBias = bias.slice(firstRow, Shape.of(SIZE));
      parts[part] = backend.readFloatsBlocking(linear(in, ownWeight, ownBias, SIZE));
    }
    float[] packed = new float[BATCH * TIME * 3 * SIZE];
    for (int row = 0; row < BATCH * TIME; row++) {
      for (int part = 0; part < 3; part++) {
        System.arraycopy(parts[part], row * SIZE, packed, (3 * row + part) * SIZE, SIZE);
      }
    }
    Tensor qkv = tensor(BATCH, TIME, 3 * SIZE);
    backend.upload(qkv, packed);
    Tensor out = tensor(BATCH, TIME, SIZE);
    backend
        .ops()
        .attention()
        .forward(out, tensor(BATCH, 1, TIME), qkv, new AttentionSpec(1, true, DropoutSpec.NONE));
    return backend.readFloatsBlocking(out);
  }

  private Tensor linear(Tensor in, Tensor weight, Tensor bias, int outputs) {
    Tensor out = tensor(BATCH, TIME, outputs);
    backend.ops().linear().forward(out, null, in, weight, bias, Activation.IDENTITY);
    return out;
  }

  private Tensor floats(int seed, int... dims) {
    Tensor tensor = tensor(dims);
    fill(tensor, seed);
    return tensor;
  }

  /** Normally distributed numbers with a spread that makes attention selective. */
  private void fill(Tensor tensor, int seed) {
    RandomStream random = new RandomStream(seed, 0, 0);
    float[] values = new float[(int) tensor.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.3f * random.nextNormal();
    }
    backend.upload(tensor, values);
  }

  private Tensor tensor(int... dims) {
    Shape shape = Shape.of(dims);
    Buffer buffer = backend.allocate(shape.elements() * Float.BYTES);
    buffers.add(buffer);
    return new Tensor(buffer, 0, DType.F32, shape);
  }
}
