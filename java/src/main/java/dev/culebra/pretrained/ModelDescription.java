package dev.culebra.pretrained;

import dev.culebra.backend.Activation;
import dev.culebra.backend.RopeScaling;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Normalization;
import dev.culebra.nn.Positions;
import dev.culebra.options.Options;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The description of a model from another program: everything needed to compute with its weights.
 *
 * @param file the source of this description
 * @param architecture its kind
 * @param layers number of blocks
 * @param heads query heads
 * @param kvHeads heads of keys and values, a divisor of {@code heads}
 * @param headSize columns of a head; {@code heads · headSize} need not be {@code embd}
 * @param embd width C of the residual stream
 * @param mlpWidth hidden columns of an MLP; per half if it is gated
 * @param context longest sequence
 * @param vocab number of tokens
 * @param tiedHead whether the head shares the embedding's table
 * @param activation of the MLP
 * @param normEpsilon added to the variance, or the mean square, in norms
 * @param qkvBias whether the projections to queries, keys and values have biases
 * @param attentionOutBias whether the output projection of attention has a bias
 * @param mlpBias whether the MLP's layers have biases
 * @param learnedQkNorm whether queries and keys are normalised with learned scales
 * @param ropeTheta base of the rotary frequencies; 0 for learned positions
 * @param ropeScaling scaling of these frequencies
 * @param endTokens tokens that end the model's output
 */
public record ModelDescription(
    Path file,
    Architecture architecture,
    int layers,
    int heads,
    int kvHeads,
    int headSize,
    int embd,
    int mlpWidth,
    int context,
    int vocab,
    boolean tiedHead,
    Activation activation,
    double normEpsilon,
    boolean qkvBias,
    boolean attentionOutBias,
    boolean mlpBias,
    boolean learnedQkNorm,
    double ropeTheta,
    Optional<RopeScaling> ropeScaling,
    List<Integer> endTokens) {
  /** Whether the MLP is gated. */
  public boolean gatedMlp() {
    return architecture != Architecture.GPT2;
  }

  /** Columns of queries, keys and values together. */
  public int qkvWidth() {
    return (heads + 2 * kvHeads) * headSize;
  }

  /**
   * Features that a {@link dev.culebra.nn.Gpt} does not support, each in a few words; empty if it
   * can compute this model.
   */
  public List<String> beyondGpt() {
    List<String> beyond = new ArrayList<>();
    if (mlpBias && !attentionOutBias) {
      beyond.add("biases in its MLPs but not in attention");
    }
    return beyond;
  }

  /**
   * The shape of a {@link dev.culebra.nn.Gpt} that computes this model.
   *
   * @throws CheckpointException with one line that says why, if it cannot
   */
  public GptConfig gptConfig() throws CheckpointException {
    List<String> beyond = beyondGpt();
    if (!beyond.isEmpty()) {
      throw new CheckpointException(
          "%s: this %s model cannot be computed yet: it has %s"
              .formatted(file, architecture.modelType(), String.join(", ", beyond)));
    }
    try {
      return closest();
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(file + ": " + e.getMessage());
    }
  }

  private GptConfig closest() {
    Options shape =
        Options.NONE
            .with(GptConfig.LAYERS, layers)
            .with(GptConfig.HEADS, heads)
            .with(GptConfig.EMBD, embd)
            .with(GptConfig.CONTEXT, context)
            .with(GptConfig.BIAS, mlpBias)
            .with(GptConfig.TIED_HEAD, tiedHead)
            .with(GptConfig.ACTIVATION, activation)
            .with(GptConfig.HEAD_SIZE, heads * headSize == embd ? 0 : headSize)
            .with(GptConfig.QKV_BIAS, qkvBias && !attentionOutBias)
            .with(GptConfig.ATTENTION_BIAS, attentionOutBias && !mlpBias)
            .with(GptConfig.NORM_EPSILON, (float) normEpsilon);
    if (architecture != Architecture.GPT2) {
      shape =
          shape
              .with(GptConfig.POSITIONS, Positions.ROTARY)
              .with(GptConfig.ROPE_THETA, (float) ropeTheta)
              .with(GptConfig.ROPE_SCALING, ropeScaling.orElse(RopeScaling.NONE))
              .with(GptConfig.NORM, Normalization.RMS)
              .with(GptConfig.GATED_MLP, true)
              .with(GptConfig.QK_NORM, learnedQkNorm)
              .with(GptConfig.QK_SCALE, learnedQkNorm)
              .with(GptConfig.KV_HEADS, kvHeads == heads ? 0 : kvHeads);
    }
    GptConfig config = GptConfig.of(shape).withVocab(vocab);
    return config.hiddenWidth() == mlpWidth ? config : config.with(GptConfig.MLP_WIDTH, mlpWidth);
  }
}
