package dev.culebra.nn;

import dev.culebra.backend.Activation;
import dev.culebra.backend.RopeScaling;
import dev.culebra.options.Options;
import dev.culebra.random.RandomStream;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Small models and batches for whole-model tests. */
public final class ModelFixture {
  private ModelFixture() {}

  /** Deliberately awkward: odd head width, vocabulary and context. */
  static final GptConfig TIED =
      new GptConfig(2, 3, 15, 11, 13, 0, false, true, Activation.GELU_TANH);

  static final GptConfig UNTIED =
      new GptConfig(2, 2, 12, 9, 17, 0, true, false, Activation.GELU_ERF);

  static final GptConfig RELU = new GptConfig(1, 1, 8, 7, 5, 0, true, true, Activation.RELU);

  /** Llama's block with shared keys. */
  static final GptConfig LLAMA =
      new GptConfig(2, 4, 24, 9, 13, 0, false, false, Activation.SILU)
          .with(GptConfig.LLAMA)
          .with(GptConfig.KV_HEADS, 2);

  /** The remaining features of newer papers. */
  static final GptConfig CAPPED =
      new GptConfig(2, 3, 18, 8, 11, 0, true, true, Activation.RELU_SQUARED)
          .with(GptConfig.POSITIONS, Positions.ROTARY)
          .with(GptConfig.QK_NORM, true)
          .with(GptConfig.KV_HEADS, 1)
          .with(GptConfig.SOFTCAP, 3f);

  /** As Qwen2 is, and with an MLP and heads of sizes of their own. */
  static final GptConfig WIDE =
      LLAMA.with(
          Options.NONE
              .with(GptConfig.QKV_BIAS, true)
              .with(GptConfig.HEAD_SIZE, 10)
              .with(GptConfig.MLP_WIDTH, 17)
              .with(GptConfig.NORM_EPSILON, 0.1f)
              .with(GptConfig.ROPE_THETA, 50f)
              .with(GptConfig.ROPE_SCALING, new RopeScaling(4, 1, 3, 9)));

  /** As Qwen3 is, heads smaller than the width has room for. */
  static final GptConfig SCALED =
      LLAMA.with(
          Options.NONE
              .with(GptConfig.QK_NORM, true)
              .with(GptConfig.QK_SCALE, true)
              .with(GptConfig.ATTENTION_BIAS, true)
              .with(GptConfig.NORM_EPSILON, 1e-6f)
              .with(GptConfig.HEAD_SIZE, 4));

  /** A width that is no multiple of the heads, without gates or turning. */
  static final GptConfig NARROW =
      TIED.with(
          Options.NONE
              .with(GptConfig.HEADS, 2)
              .with(GptConfig.HEAD_SIZE, 5)
              .with(GptConfig.MLP_WIDTH, 19)
              .with(GptConfig.QKV_BIAS, true));

  static final List<GptConfig> ALL =
      List.of(TIED, UNTIED, RELU, LLAMA, CAPPED, WIDE, SCALED, NARROW);

  static int[] tokens(int count, int vocab, int stream) {
    RandomStream random = new RandomStream(42, stream, 0);
    int[] tokens = new int[count];
    for (int i = 0; i < count; i++) {
      tokens[i] = random.nextInt(vocab);
    }
    return tokens;
  }

  static void load(LanguageModel model, int[] tokens, int[] targets) {
    model.load(
        MemorySegment.ofArray(tokens), targets == null ? null : MemorySegment.ofArray(targets));
  }

  /**
   * Perturbs the initial weights: GPT-2's initialisation has biases of 0 and weights so small that
   * a wrong layer would hardly show.
   */
  public static void enliven(LanguageModel model) {
    enliven(model, 5);
  }

  /** The same with initial weights times {@code factor}: the larger, the sharper all softmaxes. */
  static void enliven(LanguageModel model, float factor) {
    RandomStream random = new RandomStream(7, 3, 0);
    Parameters parameters = model.parameters();
    for (Parameter parameter : parameters.list()) {
      Tensor slice = parameters.slice(parameters.values(), parameter);
      float[] values = model.backend().readFloatsBlocking(slice);
      for (int i = 0; i < parameter.savedShape().elements(); i++) {
        values[i] = values[i] * factor + 0.1f * random.nextNormal();
      }
      model.backend().upload(slice, values);
    }
    parameters.refreshWeights();
  }

  /** The saved part of every parameter as operations read it, as doubles. */
  static Map<String, double[]> values(LanguageModel model) {
    Map<String, double[]> values = new HashMap<>();
    for (Parameter parameter : model.parameters().list()) {
      float[] all = model.backend().readFloatsBlocking(parameter.value());
      values.put(parameter.name(), doubles(all, parameter));
    }
    return values;
  }

  static double[] gradient(LanguageModel model, Parameter parameter) {
    return doubles(model.backend().readFloatsBlocking(parameter.gradient()), parameter);
  }

  private static double[] doubles(float[] all, Parameter parameter) {
    double[] saved = new double[(int) parameter.savedShape().elements()];
    for (int i = 0; i < saved.length; i++) {
      saved[i] = all[i];
    }
    return saved;
  }
}
