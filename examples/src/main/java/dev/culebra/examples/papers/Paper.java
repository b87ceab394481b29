package dev.culebra.examples.papers;

import dev.culebra.backend.Activation;
import dev.culebra.nn.Normalization;
import dev.culebra.nn.Positions;
import dev.culebra.optim.Optimizer;
import dev.culebra.train.TrainOptions;
import java.util.Locale;

/** A feature from a paper and the options that turn it on. */
public enum Paper {
  /** GPT-2's block, AdamW. */
  BASELINE("baseline", "", new TrainOptions()),
  ROPE("RoPE", "--positions rotary", new TrainOptions().positions(Positions.ROTARY)),
  RMS_NORM("RMSNorm", "--norm rms", new TrainOptions().norm(Normalization.RMS)),
  SWIGLU(
      "SwiGLU",
      "--activation silu --gated-mlp",
      new TrainOptions().activation(Activation.SILU).gatedMlp(true)),
  RELU_SQUARED(
      "ReLU²", "--activation relu_squared", new TrainOptions().activation(Activation.RELU_SQUARED)),
  QK_NORM("QK-norm", "--qk-norm", new TrainOptions().qkNorm(true)),
  GQA("grouped queries", "--kv-heads 2", new TrainOptions().kvHeads(2)),
  SOFTCAP(
      "own head, soft cap",
      "--no-tied-head --softcap 15",
      new TrainOptions().tiedHead(false).softcap(15f)),
  MUON("Muon", "--optimizer muon", new TrainOptions().optimizer(Optimizer.Kind.MUON)),
  LLAMA("Llama's block", "--llama --kv-heads 2", llama().kvHeads(2)),
  ALL(
      "all of them",
      "--llama --qk-norm --softcap 15 --optimizer muon",
      llama().qkNorm(true).softcap(15f).optimizer(Optimizer.Kind.MUON));

  private final String title;
  private final String flags;
  private final TrainOptions options;

  Paper(String title, String flags, TrainOptions options) {
    this.title = title;
    this.flags = flags;
    this.options = options;
  }

  private static TrainOptions llama() {
    return new TrainOptions()
        .positions(Positions.ROTARY)
        .norm(Normalization.RMS)
        .activation(Activation.SILU)
        .gatedMlp(true)
        .bias(false)
        .tiedHead(false);
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

  /** What these options say; not to be changed. */
  public TrainOptions options() {
    return options;
  }
}
