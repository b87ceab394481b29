package dev.culebra.bench.oracle;

import dev.culebra.backend.Activation;
import dev.culebra.backend.RopeScaling;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Preset;
import dev.culebra.options.Options;
import java.util.List;

/**
 * A model and a batch on which the engines are compared.
 *
 * @param name a description
 * @param batch B
 * @param time T
 */
record OracleCase(String name, GptConfig model, int batch, int time) {
  private static final int GPT2_VOCAB = 50257;

  /**
   * The preset, shapes that are not multiples of a vector, newer papers, two layers as wide as
   * GPT-2's.
   */
  static List<OracleCase> all() {
    return List.of(
        new OracleCase("nano", Preset.NANO.config(65), 12, 64),
        new OracleCase("odd, tied, bias, tanh GELU", odd(true, true, Activation.GELU_TANH), 5, 19),
        new OracleCase(
            "odd, untied, no bias, erf GELU", odd(false, false, Activation.GELU_ERF), 5, 19),
        new OracleCase("odd, untied, bias, ReLU", odd(true, false, Activation.RELU), 5, 19),
        new OracleCase("odd, Llama's block, two key heads of four", llama(), 5, 19),
        new OracleCase("odd, QK-norm, one key head, soft cap, ReLU²", capped(), 5, 19),
        new OracleCase(
            "odd, Qwen2's biases, Llama 3's frequencies, sizes of its own", qwen2(), 5, 19),
        new OracleCase(
            "odd, Qwen3's scales and biases, heads wider than the stream", qwen3(), 5, 19),
        new OracleCase("gpt2, 2 layers", gpt2Slice(), 2, 96));
  }

  private static GptConfig odd(boolean bias, boolean tiedHead, Activation activation) {
    return new GptConfig(3, 3, 39, 23, 71, 0, bias, tiedHead, activation);
  }

  private static GptConfig llama() {
    return new GptConfig(3, 4, 40, 23, 71, 0, false, false, Activation.SILU)
        .with(GptConfig.LLAMA)
        .with(GptConfig.KV_HEADS, 2);
  }

  private static GptConfig qwen2() {
    return llama()
        .with(
            Options.NONE
                .with(GptConfig.QKV_BIAS, true)
                .with(GptConfig.MLP_WIDTH, 51)
                .with(GptConfig.HEAD_SIZE, 6)
                .with(GptConfig.NORM_EPSILON, 1e-3f)
                .with(GptConfig.ROPE_THETA, 500f)
                .with(GptConfig.ROPE_SCALING, new RopeScaling(8, 1, 4, 32)));
  }

  private static GptConfig qwen3() {
    return llama()
        .with(
            Options.NONE
                .with(GptConfig.QK_NORM, true)
                .with(GptConfig.QK_SCALE, true)
                .with(GptConfig.ATTENTION_BIAS, true)
                .with(GptConfig.HEAD_SIZE, 14)
                .with(GptConfig.NORM_EPSILON, 1e-6f));
  }

  private static GptConfig capped() {
    return odd(true, true, Activation.RELU_SQUARED)
        .with(GptConfig.QK_NORM, true)
        .with(GptConfig.KV_HEADS, 1)
        .with(GptConfig.SOFTCAP, 0.5f);
  }

  private static GptConfig gpt2Slice() {
    GptConfig whole = Preset.GPT2.config(GPT2_VOCAB);
    return new GptConfig(
        2,
        whole.heads(),
        whole.embd(),
        whole.context(),
        whole.vocab(),
        0,
        whole.bias(),
        whole.tiedHead(),
        whole.activation());
  }
}
