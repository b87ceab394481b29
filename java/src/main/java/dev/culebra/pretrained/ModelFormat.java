package dev.culebra.pretrained;

import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Mlp;
import dev.culebra.nn.Normalization;
import dev.culebra.nn.Positions;
import dev.culebra.options.OptionException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** File formats of other programs that a model can be exported to. */
public enum ModelFormat {
  /** A folder for Hugging Face's transformers, as GPT-2 or Llama. */
  HF,
  /** An llm.c checkpoint: GPT-2 with a tied head and the tanh form of GELU. */
  LLMC;

  private static final double EPSILON = 1e-5;
  private static final double THETA = 10_000;

  /**
   * Describes a model in the terms of this format.
   *
   * @param file that will hold the description
   * @param endTokens the tokens that end a text
   * @throws OptionException with one line that names the options that the format cannot express
   */
  public ModelDescription describe(GptConfig model, Path file, List<Integer> endTokens) {
    boolean rotary = model.positions() == Positions.ROTARY;
    Architecture architecture = rotary ? Architecture.LLAMA : Architecture.GPT2;
    List<Object> beyond = rotary ? beyondLlama(model) : beyondGpt2(model);
    if (model.softcap() > 0) {
      beyond.add(GptConfig.SOFTCAP.set(model.softcap()));
    }
    if (model.qkNorm()) {
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
        model.embd() / model.heads(),
        model.embd(),
        Mlp.hiddenWidth(model.embd(), model.gatedMlp()),
        model.context(),
        model.vocab(),
        model.tiedHead(),
        model.activation(),
        EPSILON,
        !rotary,
        !rotary,
        !rotary,
        false,
        rotary ? THETA : 0,
        Optional.empty(),
        endTokens);
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
    if (this == LLMC && !model.tiedHead()) {
      beyond.add(GptConfig.TIED_HEAD.set(false));
    }
    return beyond;
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
    if (model.bias()) {
      beyond.add(GptConfig.BIAS.set(true));
    }
    return beyond;
  }

  private static String name(Architecture architecture) {
    return architecture == Architecture.GPT2 ? "GPT-2" : "Llama";
  }

  private static String name(ModelFormat format) {
    return format == HF ? "transformers" : "llm.c";
  }
}
