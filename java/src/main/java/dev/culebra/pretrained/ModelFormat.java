package dev.culebra.pretrained;

import dev.culebra.backend.LayerNormOp;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Normalization;
import dev.culebra.nn.Positions;
import dev.culebra.options.OptionException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** File formats of other programs that a model can be exported to. */
public enum ModelFormat {
  /** A folder for Hugging Face's transformers, as GPT-2, Llama, Qwen2 or Qwen3. */
  HF,
  /** An llm.c checkpoint: GPT-2 with a tied head and the tanh form of GELU. */
  LLMC;

  /**
   * Describes a model in the terms of this format.
   *
   * @param file that will hold the description
   * @param endTokens the tokens that end a text
   * @throws OptionException with one line that names the options that the format cannot express
   */
  public ModelDescription describe(GptConfig model, Path file, List<Integer> endTokens) {
    boolean rotary = model.positions() == Positions.ROTARY;
    Architecture architecture = rotary ? withRotary(model) : Architecture.GPT2;
    List<Object> beyond = rotary ? beyondLlama(model) : beyondGpt2(model);
    if (model.softcap() > 0) {
      beyond.add(GptConfig.SOFTCAP.set(model.softcap()));
    }
    if (model.qkNorm() && architecture != Architecture.QWEN3) {
      beyond.add(GptConfig.QK_NORM.set(true));
    }
    boolean known =
        switch (model.activation()) {
          case GELU_TANH -> true;
          case GELU_ERF, RELU, SILU -> this == HF;
          case RELU_SQUARED, IDENTITY -> false;
        };
    if (!known) {
      beyond.add(GptConfig.ACTIVATION.set(model.activation()));
    }
    if (!beyond.isEmpty()) {
      throw new OptionException(
          "%s cannot express a %s model with %s"
              .formatted(name(this), name(architecture), "%s, ".repeat(beyond.size() - 1) + "%s"),
          beyond.toArray());
    }
    int kvHeads = model.headsSpec().kvHeads();
    return new ModelDescription(
        file,
        architecture,
        model.layers(),
        model.heads(),
        kvHeads,
        model.sizeOfHead(),
        model.embd(),
        model.hiddenWidth(),
        model.context(),
        model.vocab(),
        model.tiedHead(),
        model.activation(),
        exact(model.normEpsilon()),
        !rotary || model.hasQkvBias(),
        !rotary || model.hasAttentionOutBias(),
        !rotary || model.bias(),
        model.qkScale(),
        rotary ? exact(model.ropeTheta()) : 0,
        model.ropeScaling().isNone() ? Optional.empty() : Optional.of(model.ropeScaling()),
        endTokens);
  }

  private static Architecture withRotary(GptConfig model) {
    if (model.qkScale()) {
      return Architecture.QWEN3;
    }
    boolean qkvAlone = model.hasQkvBias() && !model.hasAttentionOutBias();
    return qkvAlone ? Architecture.QWEN2 : Architecture.LLAMA;
  }

  /** The number that was written: 1e-6, not the single nearest to it. */
  private static double exact(float number) {
    return Double.parseDouble(Float.toString(number));
  }

  private List<Object> beyondGpt2(GptConfig model) {
    List<Object> beyond = new ArrayList<>();
    if (model.norm() != Normalization.LAYER) {
      beyond.add(GptConfig.NORM.set(model.norm()));
    }
    if (model.gatedMlp()) {
      beyond.add(GptConfig.GATED_MLP.set(true));
    }
    if (model.headsSpec().kvHeads() != model.heads()) {
      beyond.add(GptConfig.KV_HEADS.set(model.kvHeads()));
    }
    if (model.attentionWidth() != model.embd()) {
      beyond.add(GptConfig.HEAD_SIZE.set(model.headSize()));
    }
    if (this == LLMC) {
      beyondLlmC(model, beyond);
    }
    return beyond;
  }

  /** What llm.c's program has as a constant. */
  private static void beyondLlmC(GptConfig model, List<Object> beyond) {
    if (!model.tiedHead()) {
      beyond.add(GptConfig.TIED_HEAD.set(false));
    }
    if (model.hiddenWidth() != 4 * model.embd()) {
      beyond.add(GptConfig.MLP_WIDTH.set(model.mlpWidth()));
    }
    if (model.normEpsilon() != LayerNormOp.USUAL_EPSILON) {
      beyond.add(GptConfig.NORM_EPSILON.set(model.normEpsilon()));
    }
  }

  private List<Object> beyondLlama(GptConfig model) {
    List<Object> beyond = new ArrayList<>();
    if (this == LLMC) {
      beyond.add(GptConfig.POSITIONS.set(model.positions()));
    }
    if (model.norm() != Normalization.RMS) {
      beyond.add(GptConfig.NORM.set(model.norm()));
    }
    if (!model.gatedMlp()) {
      beyond.add(GptConfig.GATED_MLP.set(false));
    }
    if (model.qkScale() && model.bias()) {
      beyond.add(GptConfig.BIAS.set(true));
    }
    if (model.qkScale() && model.qkvBias() && !model.hasAttentionOutBias()) {
      beyond.add(GptConfig.QKV_BIAS.set(true));
    }
    return beyond;
  }

  private static String name(Architecture architecture) {
    return switch (architecture) {
      case GPT2 -> "GPT-2";
      case LLAMA -> "Llama";
      case QWEN2 -> "Qwen2";
      case QWEN3 -> "Qwen3";
    };
  }

  private static String name(ModelFormat format) {
    return format == HF ? "transformers" : "llm.c";
  }
}
