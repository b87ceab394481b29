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
  BASELINE("baseline", "", Options.NONE),
  ROPE("RoPE", "--positions rotary", Options.NONE.with(GptConfig.POSITIONS, Positions.ROTARY)),
  RMS_NORM("RMSNorm", "--norm rms", Options.NONE.with(GptConfig.NORM, Normalization.RMS)),
  SWIGLU(
      "SwiGLU",
      "--activation silu --gated-mlp",
      Options.NONE.with(GptConfig.ACTIVATION, Activation.SILU).with(GptConfig.GATED_MLP, true)),
  RELU_SQUARED(
      "ReLU²",
      "--activation relu_squared",
      Options.NONE.with(GptConfig.ACTIVATION, Activation.RELU_SQUARED)),
  QK_NORM("QK-norm", "--qk-norm", Options.NONE.with(GptConfig.QK_NORM, true)),
  GQA("grouped queries", "--kv-heads 2", Options.NONE.with(GptConfig.KV_HEADS, 2)),
  SOFTCAP(
      "own head, soft cap",
      "--no-tied-head --softcap 15",
      Options.NONE.with(GptConfig.TIED_HEAD, false).with(GptConfig.SOFTCAP, 15f)),
  MUON(
      "Muon", "--optimizer muon", Options.NONE.with(TrainingConfig.OPTIMIZER, Optimizer.Kind.MUON)),
  LLAMA("Llama's block", "--llama --kv-heads 2", GptConfig.LLAMA.with(GptConfig.KV_HEADS, 2)),
  ALL(
      "all of them",
      "--llama --qk-norm --softcap 15 --optimizer muon",
      GptConfig.LLAMA
          .with(GptConfig.QK_NORM, true)
          .with(GptConfig.SOFTCAP, 15f)
          .with(TrainingConfig.OPTIMIZER, Optimizer.Kind.MUON));

  private final String title;
  private final String flags;
  private final Options options;

  Paper(String title, String flags, Options options) {
    this.title = title;
    this.flags = flags;
    this.options = options;
  }

  /** What the field calls it. */
  public String title() {
    return title;
  }

  /** The options of {@code culebra train}. */
  public String flags() {
    return flags;
  }

  /** The name on the command line: {@code rms_norm}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** What these options say. */
  public Options options() {
    return options;
  }
}
