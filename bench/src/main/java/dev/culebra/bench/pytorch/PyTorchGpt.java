package dev.culebra.bench.pytorch;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.GradientCollector;
import dev.culebra.backend.HeadsSpec;
import dev.culebra.checkpoint.Safetensors;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Normalization;
import dev.culebra.nn.Positions;
import dev.culebra.tensor.DType;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A second implementation of {@link dev.culebra.nn.Gpt}, with PyTorch's operations and automatic
 * differentiation on its CPU engine. It shares only the weight file with ours. Without dropout. One
 * thread at a time.
 */
public final class PyTorchGpt implements AutoCloseable {
  private final GptConfig config;
  private final NDManager manager;
  private final Map<String, NDArray> values = new LinkedHashMap<>();
  private final NDArray noBias;

  /** The leaves of the pass that is being recorded. */
  private Map<String, NDArray> leaves;

  /**
   * A model with the weights of {@code file}.
   *
   * @throws IOException if a tensor is missing or has another shape
   */
  public PyTorchGpt(GptConfig config, Safetensors file) throws IOException {
    this.config = config;
    this.manager = Engine.getEngine("PyTorch").newBaseManager();
    this.noBias = manager.zeros(new Shape(config.embd()));
    for (Map.Entry<String, Shape> entry : shapes(config).entrySet()) {
      values.put(entry.getKey(), load(file, entry.getKey(), entry.getValue()));
    }
  }

  /** nanoGPT's parameter names with their shapes. */
  private static Map<String, Shape> shapes(GptConfig config) {
    long width = config.embd();
    Map<String, Shape> shapes = new LinkedHashMap<>();
    shapes.put("wte.weight", new Shape(config.vocab(), width));
    if (config.positions() == Positions.LEARNED) {
      shapes.put("wpe.weight", new Shape(config.context(), width));
    }
    long size = headSize(config);
    long projected = size * config.headsSpec().projected();
    boolean gated = config.gatedMlp();
    long usual = gated ? (8 * width + 95) / 96 * 32 : 4 * width;
    long hidden = config.mlpWidth() == 0 ? usual : config.mlpWidth();
    for (int layer = 0; layer < config.layers(); layer++) {
      String block = "h." + layer + ".";
      addNorm(shapes, block + "ln_1", config);
      addLinear(shapes, block + "attn.c_attn", width, projected, config.hasQkvBias());
      if (config.qkScale()) {
        shapes.put(block + "attn.q_norm.weight", new Shape(size));
        shapes.put(block + "attn.k_norm.weight", new Shape(size));
      }
      addLinear(
          shapes,
          block + "attn.c_proj",
          config.heads() * size,
          width,
          config.hasAttentionOutBias());
      addNorm(shapes, block + "ln_2", config);
      addLinear(shapes, block + "mlp.c_fc", width, gated ? 2 * hidden : hidden, config.bias());
      addLinear(shapes, block + "mlp.c_proj", hidden, width, config.bias());
    }
    addNorm(shapes, "ln_f", config);
    if (!config.tiedHead()) {
      shapes.put("lm_head.weight", new Shape(config.vocab(), width));
    }
    return shapes;
  }

  private static void addNorm(Map<String, Shape> shapes, String name, GptConfig config) {
    shapes.put(name + ".weight", new Shape(config.embd()));
    if (config.bias() && config.norm() == Normalization.LAYER) {
      shapes.put(name + ".bias", new Shape(config.embd()));
    }
  }

  private static void addLinear(
      Map<String, Shape> shapes, String name, long inputs, long outputs, boolean bias) {
    shapes.put(name + ".weight", new Shape(outputs, inputs));
    if (bias) {
      shapes.put(name + ".bias", new Shape(outputs));
    }
  }

  private NDArray load(Safetensors file, String name, Shape shape) throws IOException {
    int[] dims = IntStream.range(0, shape.dimension()).map(i -> (int) shape.get(i)).toArray();
    return manager.create(
        file.tensor(name, DType.F32, dev.culebra.tensor.Shape.of(dims))
            .asByteBuffer()
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer(),
        shape,
        DataType.FLOAT32);
  }

  /** The parameters by name; an optimizer changes them in place. */
  public Map<String, NDArray> values() {
    return values;
  }

  /**
   * The results of one pass; closing it frees everything.
   *
   * @param logits (B · T, V)
   * @param loss mean cross-entropy
   * @param gradients of all parameters
   */
  public record Pass(NDScope scope, NDArray logits, float loss, Map<String, NDArray> gradients)
      implements AutoCloseable {
    @Override
    public void close() {
      scope.close();
    }
  }

  /**
   * Forward and backward.
   *
   * @param tokens B sequences of T tokens
   * @param targets as many as tokens
   */
  public Pass pass(int[] tokens, int[] targets, int batch, int time) {
    NDScope scope = new NDScope();
    // A new leaf for each pass has no gradient yet, so backward writes gradients without clearing
    // or adding, like PyTorch's set_to_none.
    leaves = new LinkedHashMap<>();
    values.forEach((name, value) -> leaves.put(name, leaf(value)));
    try (GradientCollector collector = manager.getEngine().newGradientCollector()) {
      NDArray logits = forward(integers(tokens, new Shape(batch, time)), batch, time);
      NDArray rows = integers(targets, new Shape((long) batch * time, 1));
      NDArray loss = logits.logSoftmax(-1).gather(rows, 1).mean().neg();
      collector.backward(loss);
      Map<String, NDArray> gradients = new LinkedHashMap<>();
      leaves.forEach((name, leaf) -> gradients.put(name, leaf.getGradient()));
      return new Pass(scope, logits, loss.getFloat(), gradients);
    }
  }

  private static NDArray leaf(NDArray value) {
    NDArray leaf = value.stopGradient();
    leaf.setRequiresGradient(true);
    return leaf;
  }

  private NDArray integers(int[] values, Shape shape) {
    long[] wide = IntStream.of(values).asLongStream().toArray();
    return manager.create(LongBuffer.wrap(wide), shape, DataType.INT64);
  }

  /** (B, T) → logits (B · T, V). */
  private NDArray forward(NDArray tokens, int batch, int time) {
    NDArray x = Functions.embedding(tokens, leaves.get("wte.weight"));
    if (config.positions() == Positions.LEARNED) {
      x = x.add(leaves.get("wpe.weight").get("0:" + time));
    }
    NDArray mask = Functions.causalMask(manager, time);
    for (int layer = 0; layer < config.layers(); layer++) {
      String block = "h." + layer + ".";
      x = x.add(attention(block + "attn.", norm(block + "ln_1", x), mask, batch, time));
      x = x.add(mlp(block + "mlp.", norm(block + "ln_2", x)));
    }
    NDArray head = leaves.get(config.tiedHead() ? "wte.weight" : "lm_head.weight");
    NDArray rows = norm("ln_f", x).reshape((long) batch * time, config.embd());
    NDArray logits = Functions.linear(rows, head, null);
    float cap = config.softcap();
    return cap == 0 ? logits : Functions.softcap(logits, cap);
  }

  private NDArray mlp(String name, NDArray x) {
    NDArray hidden = linear(name + "c_fc", x);
    if (config.gatedMlp()) {
      NDList halves = hidden.split(2, 2);
      hidden = Functions.activation(halves.get(0), config.activation()).mul(halves.get(1));
    } else {
      hidden = Functions.activation(hidden, config.activation());
    }
    return linear(name + "c_proj", hidden);
  }

  /** DJL exposes no fused attention: softmax(Q Kᵀ / √D + mask) V as separate operations. */
  private NDArray attention(String name, NDArray x, NDArray mask, int batch, int time) {
    NDList qkv = heads(name, linear(name + "c_attn", x), batch, time);
    int size = headSize(config);
    NDArray query = qkv.get(0).mul(1 / (float) Math.sqrt(size));
    NDArray scores = query.matMul(qkv.get(1).swapAxes(2, 3)).add(mask);
    NDArray out = scores.softmax(-1).matMul(qkv.get(2));
    NDArray rows = out.transpose(0, 2, 1, 3).reshape(batch, time, (long) config.heads() * size);
    return linear(name + "c_proj", rows);
  }

  private static int headSize(GptConfig config) {
    return config.headSize() == 0 ? config.embd() / config.heads() : config.headSize();
  }

  /** Queries, keys and values for attention, (B, heads, T, D) each. */
  private NDList heads(String name, NDArray projected, int batch, int time) {
    HeadsSpec spec = config.headsSpec();
    if (spec.isPlain()) {
      NDList qkv =
          projected
              .reshape(batch, time, 3, spec.heads(), headSize(config))
              .transpose(2, 0, 3, 1, 4)
              .split(3, 0);
      return new NDList(qkv.get(0).squeeze(0), qkv.get(1).squeeze(0), qkv.get(2).squeeze(0));
    }
    long keysFrom = spec.heads();
    long valuesFrom = keysFrom + spec.kvHeads();
    NDList parts =
        projected
            .reshape(batch, time, spec.projected(), headSize(config))
            .transpose(0, 2, 1, 3)
            .split(new long[] {keysFrom, valuesFrom}, 1);
    return new NDList(
        prepared(name + "q_norm", parts.get(0), spec),
        Functions.repeatHeads(prepared(name + "k_norm", parts.get(1), spec), spec.groupSize()),
        Functions.repeatHeads(parts.get(2), spec.groupSize()));
  }

  /** Prepares a query or key. */
  private NDArray prepared(String name, NDArray x, HeadsSpec spec) {
    NDArray sized = spec.normalised() ? Functions.ofUnitSize(x, config.normEpsilon()) : x;
    NDArray scale = leaves.get(name + ".weight");
    NDArray scaled = scale == null ? sized : sized.mul(scale);
    return spec.rotary() ? Functions.rotate(manager, scaled, spec.rotation()) : scaled;
  }

  private NDArray norm(String name, NDArray x) {
    NDArray weight = leaves.get(name + ".weight");
    return switch (config.norm()) {
      case LAYER ->
          Functions.layerNorm(
              x, weight, config.bias() ? leaves.get(name + ".bias") : noBias, config.normEpsilon());
      case RMS -> Functions.ofUnitSize(x, config.normEpsilon()).mul(weight);
    };
  }

  private NDArray linear(String name, NDArray x) {
    return Functions.linear(x, leaves.get(name + ".weight"), leaves.get(name + ".bias"));
  }

  @Override
  public void close() {
    manager.close();
  }
}
