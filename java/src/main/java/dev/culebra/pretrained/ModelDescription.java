package dev.culebra.pretrained;

import dev.culebra.backend.Activation;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Mlp;
import dev.culebra.nn.Normalization;
import dev.culebra.nn.Positions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What a model of another program is: all that its weights need to be computed with.
 *
 * @param file where this was read
 * @param architecture its kind
 * @param layers number of blocks
 * @param heads heads of queries
 * @param kvHeads heads of keys and values, a divisor of {@code heads}
 * @param headSize columns of a head; {@code heads · headSize} need not be {@code embd}
 * @param embd width C of the residual stream
 * @param mlpWidth hidden columns of an MLP; of a gated one, of each of its halves
 * @param context longest sequence
 * @param vocab number of tokens
 * @param tiedHead whether the head shares the embedding's table
 * @param activation of the MLP
 * @param normEpsilon added to the variance, or the mean square, of what is normalised
 * @param qkvBias whether the projections to queries, keys and values have biases
 * @param attentionOutBias whether the projection out of attention has one
 * @param mlpBias whether the MLP's layers have biases
 * @param learnedQkNorm whether queries and keys are normalised with learned scales
 * @param ropeTheta base of the frequencies of rotary positions; 0 for learned positions
 * @param ropeScaling change of these frequencies
 * @param endTokens tokens after which the model has nothing to say
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
  /** What {@link dev.culebra.nn.Gpt} computes with. */
  private static final double EPSILON = 1e-5;

  private static final double THETA = 10_000;

  /** Whether the MLP is a gated one. */
  public boolean gatedMlp() {
    return architecture != Architecture.GPT2;
  }

  /** Columns of queries, keys and values together. */
  public int qkvWidth() {
    return (heads + 2 * kvHeads) * headSize;
  }

  /**
   * What a {@link dev.culebra.nn.Gpt} cannot be told, each a few words; empty where it can compute
   * this model.
   */
  public List<String> beyondGpt() {
    List<String> beyond = new ArrayList<>();
    if (heads * headSize != embd) {
      beyond.add("%d heads of %d in a width of %d".formatted(heads, headSize, embd));
    }
    int width = Mlp.hiddenWidth(embd, gatedMlp());
    if (mlpWidth != width) {
      beyond.add("an MLP of %d columns instead of %d".formatted(mlpWidth, width));
    }
    if (normEpsilon != EPSILON) {
      beyond.add("a norm's epsilon of %s instead of %s".formatted(normEpsilon, EPSILON));
    }
    if (qkvBias != attentionOutBias || qkvBias != mlpBias) {
      beyond.add("biases in some linear layers only");
    }
    if (learnedQkNorm) {
      beyond.add("learned scales of normalised queries and keys");
    }
    if (ropeTheta != 0 && ropeTheta != THETA) {
      beyond.add("a rope theta of %s instead of %s".formatted(ropeTheta, THETA));
    }
    if (ropeScaling.isPresent()) {
      beyond.add("Llama 3's rope scaling");
    }
    return beyond;
  }

  /**
   * The shape of a {@link dev.culebra.nn.Gpt} that computes this model.
   *
   * @throws CheckpointException if none does; one line that says why
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
    GptConfig gpt2 =
        new GptConfig(layers, heads, embd, context, vocab, 0, mlpBias, tiedHead, activation);
    return architecture == Architecture.GPT2
        ? gpt2
        : gpt2.with(GptConfig.POSITIONS, Positions.ROTARY)
            .with(GptConfig.NORM, Normalization.RMS)
            .with(GptConfig.GATED_MLP, true)
            .with(GptConfig.KV_HEADS, kvHeads == heads ? 0 : kvHeads);
  }
}
