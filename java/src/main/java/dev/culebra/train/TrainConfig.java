package dev.culebra.train;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Recompute;
import dev.culebra.cuda.Binding;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.nn.GptConfig;
import dev.culebra.nn.Normalization;
import dev.culebra.nn.Positions;
import dev.culebra.nn.Preset;
import dev.culebra.nn.Variant;
import dev.culebra.optim.AdamW;
import dev.culebra.optim.LearningRate;
import dev.culebra.optim.Optimizer;
import java.util.List;

/**
 * Everything a training run is told; equal configurations give equal runs. Made from {@link
 * TrainOptions}, written as {@code config.json}. The names of the components are those of the
 * command line's options.
 *
 * @param preset where the values came from that nobody set
 * @param data name of a corpus, or a path
 * @param tokenizer how text becomes tokens
 * @param layers number of blocks
 * @param heads attention heads of a block; divides {@code embd}
 * @param embd width C of the residual stream
 * @param context longest sequence T
 * @param dropout probability of dropping, in [0, 1)
 * @param bias whether linear layers and layernorms have one
 * @param tiedHead whether the output head shares the token embedding's table
 * @param activation of the MLP
 * @param gatedMlp whether the MLP is a gated one
 * @param positions how a token's place is known
 * @param norm of each half of a block
 * @param qkNorm whether queries and keys are normalised
 * @param kvHeads heads of keys and values, a divisor of {@code heads}; 0 for as many
 * @param softcap bound of the logits; 0 for none
 * @param batch sequences B of a micro-step
 * @param gradAccum micro-steps of a step; each token that counts weighs the same in its gradient
 * @param steps optimizer steps of the run; of one that ended earlier, by {@code minutes} or {@code
 *     patience}, those it took
 * @param optimizer of the matrices; all else is AdamW's
 * @param lr highest learning rate
 * @param minLr learning rate at the last step
 * @param warmup steps of linear rise of the learning rate
 * @param schedule of the learning rate after the warmup
 * @param weightDecay AdamW's, of matrices only
 * @param beta1 AdamW's decay of the first moment
 * @param beta2 AdamW's decay of the second moment
 * @param clip largest global norm of the gradient; 0 for no clipping
 * @param minutes of training, after which the run ends if it has not before; 0 for any
 * @param patience evaluations in succession without a lower loss, after which the run ends; 0 for
 *     any
 * @param decayFrom the step at which the learning rate's schedule, warmup included, began again; 0
 *     for the first
 * @param evalEvery steps between evaluations; 0 for one at the end only
 * @param evalBatches batches of an evaluation
 * @param logEvery steps between logged steps
 * @param saveEvery steps between checkpoints; 0 for one at the end only
 * @param sampleEvery steps between samples; 0 for one at the end only
 * @param seed of the weights, the order of the data, dropout and samples
 * @param threads of the processor; 0 for all
 * @param device where to train
 * @param dtype of activations and weights
 * @param tf32 whether a GPU may round the inputs of fp32 matrix products to TF32
 * @param binding how Java calls CUDA
 * @param recompute what backward computes again to save memory
 * @param skipUnknown whether characters that the model's tokenizer does not know are left out of
 *     the text
 */
public record TrainConfig(
    Preset preset,
    String data,
    TokenizerChoice tokenizer,
    int layers,
    int heads,
    int embd,
    int context,
    float dropout,
    boolean bias,
    boolean tiedHead,
    Activation activation,
    boolean gatedMlp,
    Positions positions,
    Normalization norm,
    boolean qkNorm,
    int kvHeads,
    float softcap,
    int batch,
    int gradAccum,
    int steps,
    Optimizer.Kind optimizer,
    float lr,
    float minLr,
    int warmup,
    LearningRate.Schedule schedule,
    float weightDecay,
    float beta1,
    float beta2,
    float clip,
    float minutes,
    int patience,
    int decayFrom,
    int evalEvery,
    int evalBatches,
    int logEvery,
    int saveEvery,
    int sampleEvery,
    long seed,
    int threads,
    DeviceChoice device,
    DtypeChoice dtype,
    boolean tf32,
    Binding binding,
    Recompute recompute,
    boolean skipUnknown) {
  /** As many steps as there is time for. */
  public static final int ANY_STEPS = 1_000_000_000;

  /** Sequences of a micro-step, and micro-steps of a step, at most. */
  private static final int MAX_BATCH = 1 << 20;

  private static final float EPSILON = 1e-8f;

  /**
   * Checks every value.
   *
   * @throws IllegalArgumentException with one line that names the option and its value
   */
  public TrainConfig {
    if (data.isBlank()) {
      throw new IllegalArgumentException("--data must name a corpus or a file");
    }
    within(GptConfig.MAX_LAYERS, "--layers", layers);
    atLeast(1, "--heads", heads);
    within(GptConfig.MAX_EMBD, "--embd", embd);
    within(GptConfig.MAX_CONTEXT, "--context", context);
    if (embd % heads != 0) {
      throw new IllegalArgumentException(
          "--heads must divide --embd: %d heads, embd %d".formatted(heads, embd));
    }
    atLeast(0, "--kv-heads", kvHeads);
    if (kvHeads > 0 && heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "--kv-heads must divide --heads: %d key heads, %d heads".formatted(kvHeads, heads));
    }
    if (positions == Positions.ROTARY && embd / heads % 2 != 0) {
      throw new IllegalArgumentException(
          "--positions rotary needs heads of even size: --embd %d has %d heads of %d"
              .formatted(embd, heads, embd / heads));
    }
    notNegative("--softcap", softcap);
    fraction("--dropout", dropout);
    within(MAX_BATCH, "--batch", batch);
    within(MAX_BATCH, "--grad-accum", gradAccum);
    if ((long) batch * context > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "--batch %d times --context %d is more than %d tokens"
              .formatted(batch, context, Integer.MAX_VALUE));
    }
    atLeast(1, "--steps", steps);
    if (!(lr > 0 && Float.isFinite(lr))) {
      throw new IllegalArgumentException("--lr must be above 0, not " + lr);
    }
    notNegative("--min-lr", minLr);
    if (minLr > lr) {
      throw new IllegalArgumentException(
          "--min-lr must be at most --lr: %s is above %s".formatted(minLr, lr));
    }
    atLeast(0, "--warmup", warmup);
    notNegative("--weight-decay", weightDecay);
    fraction("--beta1", beta1);
    fraction("--beta2", beta2);
    notNegative("--clip", clip);
    notNegative("--minutes", minutes);
    atLeast(0, "--patience", patience);
    if (decayFrom < 0 || decayFrom > 0 && decayFrom >= steps) {
      throw new IllegalArgumentException(
          "decay_from must be from 0 to below --steps: %d, steps %d".formatted(decayFrom, steps));
    }
    atLeast(0, "--eval-every", evalEvery);
    atLeast(1, "--eval-batches", evalBatches);
    atLeast(1, "--log-every", logEvery);
    atLeast(0, "--save-every", saveEvery);
    atLeast(0, "--sample-every", sampleEvery);
    DeviceConfig.requireThreads(threads);
  }

  /** The model for a tokenizer of {@code vocab} tokens. */
  public GptConfig model(int vocab) {
    return new GptConfig(
        layers,
        heads,
        embd,
        context,
        vocab,
        dropout,
        bias,
        tiedHead,
        activation,
        new Variant(positions, norm, gatedMlp, qkNorm, kvHeads, softcap));
  }

  /** This configuration with the values that {@code over} has. */
  public TrainConfig with(TrainOptions over) {
    return TrainJson.with(this, over);
  }

  /**
   * This configuration for going on with its run, with the values that {@code over} has; those that
   * follow from others follow.
   *
   * @throws IllegalArgumentException with one line that names the option, if a value is impossible
   */
  TrainConfig changedBy(TrainOptions over) {
    TrainOptions changes = new TrainOptions().with(over);
    if (changes.lr != null && changes.minLr == null) {
      boolean follows = minLr == TrainOptions.tenth(lr);
      changes.minLr(follows ? TrainOptions.tenth(changes.lr) : Math.min(minLr, changes.lr));
    }
    if (changes.minutes != null && changes.steps == null && changes.minutes > 0) {
      changes.steps(ANY_STEPS);
    }
    return with(changes);
  }

  /** The part of the run's time that is over after so many seconds of training, from 0 to 1. */
  public double timeGone(double seconds) {
    return minutes == 0 ? 0 : Math.min(1, seconds / (60.0 * minutes));
  }

  /** What gives the weights of this run's model their meaning, but for the tokenizer. */
  TrainOptions modelShape() {
    return shape().preset(null).tokenizer(null);
  }

  /** What a run that begins with the weights of this one must agree with. */
  public TrainOptions shape() {
    return new TrainOptions()
        .preset(preset)
        .tokenizer(tokenizer)
        .layers(layers)
        .heads(heads)
        .embd(embd)
        .context(context)
        .bias(bias)
        .tiedHead(tiedHead)
        .activation(activation)
        .gatedMlp(gatedMlp)
        .positions(positions)
        .norm(norm)
        .qkNorm(qkNorm)
        .kvHeads(kvHeads)
        .softcap(softcap);
  }

  /**
   * What two models must have in common for one to begin with the weights of the other, as flags.
   * Neither dropout nor the soft cap is among it, nor the context where positions have no table.
   */
  List<String> flagsOfWeights() {
    TrainOptions shape = shape().softcap(null).kvHeads(kvHeads == 0 ? heads : kvHeads);
    return TrainJson.flags(positions == Positions.ROTARY ? shape.context(null) : shape);
  }

  /** The learning rate to finetune with where nobody says another: a tenth of this one's. */
  public float finetuningRate() {
    return TrainOptions.tenth(lr);
  }

  /** Where and how to compute. */
  public DeviceConfig deviceConfig() {
    return new DeviceConfig(device, threads, dtype, tf32, binding);
  }

  /** The learning rate of every step, counted from {@link #decayFrom}. */
  public LearningRate learningRate() {
    return new LearningRate(schedule, lr, minLr, warmup, steps - decayFrom);
  }

  /** The optimizer of the run. */
  public AdamW.Config adamW() {
    return new AdamW.Config(beta1, beta2, EPSILON, weightDecay, clip);
  }

  /** As a JSON object that {@link TrainOptions#read} reads back to an equal configuration. */
  public String toJson() {
    return TrainJson.write(this);
  }

  /** Tokens that one optimizer step reads: B · T · micro-steps. */
  public long tokensPerStep() {
    return (long) batch * context * gradAccum;
  }

  private static void atLeast(int least, String option, int value) {
    if (value < least) {
      throw new IllegalArgumentException(
          "%s must be at least %d, not %d".formatted(option, least, value));
    }
  }

  private static void within(int most, String option, int value) {
    atLeast(1, option, value);
    if (value > most) {
      throw new IllegalArgumentException(
          "%s must be at most %d, not %d".formatted(option, most, value));
    }
  }

  private static void notNegative(String option, float value) {
    if (!(value >= 0 && Float.isFinite(value))) {
      throw new IllegalArgumentException("%s must be 0 or more, not %s".formatted(option, value));
    }
  }

  private static void fraction(String option, float value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException(
          "%s must be at least 0 and below 1, not %s".formatted(option, value));
    }
  }
}
