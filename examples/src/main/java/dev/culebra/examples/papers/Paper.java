package dev.culebra.examples.papers;

import dev.culebra.backend.Activation;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Normalization;
import dev.culebra.nn.Positions;
import dev.culebra.optim.Optimizer;
import dev.culebra.options.Options;
import dev.culebra.train.TrainingConfig;
import java.util.Locale;

/** A feature from a paper and the options that turn it on. */
public enum Paper {
  /** GPT-2's block, AdamW. */
  BASELINE("baseline", Options.NONE),
  ROPE("RoPE", Options.NONE.with(GptConfig.POSITIONS, Positions.ROTARY)),
  RMS_NORM("RMSNorm", Options.NONE.with(GptConfig.NORM, Normalization.RMS)),
  SWIGLU(
      "SwiGLU",
      Options.NONE.with(GptConfig.ACTIVATION, Activation.SILU).with(GptConfig.GATED_MLP, true)),
  RELU_SQUARED("ReLU²", Options.NONE.with(GptConfig.ACTIVATION, Activation.RELU_SQUARED)),
  QK_NORM("QK-norm", Options.NONE.with(GptConfig.QK_NORM, true)),
  GQA("grouped queries", Options.NONE.with(GptConfig.KV_HEADS, 2)),
  SOFTCAP(
      "own head, soft cap",
      Options.NONE.with(GptConfig.TIED_HEAD, false).with(GptConfig.SOFTCAP, 15f)),
  MUON("Muon", Options.NONE.with(TrainingConfig.OPTIMIZER, Optimizer.Kind.MUON)),
  LLAMA("Llama's block", GptConfig.LLAMA.with(GptConfig.KV_HEADS, 2)),
  ALL(
      "all of them",
      GptConfig.LLAMA
          .with(GptConfig.QK_NORM, true)
          .with(GptConfig.SOFTCAP, 15f)
          .with(TrainingConfig.OPTIMIZER, Optimizer.Kind.MUON));

  private final String title;
  private final Options options;

  Paper(String title, Options options) {
    this.title = title;
    this.options = options;
  }

  /** The usual name of the feature. */
  public String title() {
    return title;
  }

  /** The name on the command line: {@code rms_norm}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The options that turn the feature on. */
  public Options options() {
    return options;
  }
}
