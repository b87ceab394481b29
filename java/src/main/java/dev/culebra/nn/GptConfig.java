package dev.culebra.nn;

import static dev.culebra.options.ValueType.NUMBER;
import static dev.culebra.options.ValueType.SWITCH;
import static dev.culebra.options.ValueType.WHOLE;
import static dev.culebra.options.ValueType.oneOf;

import dev.culebra.backend.Activation;
import dev.culebra.backend.HeadsSpec;
import dev.culebra.backend.LayerNormOp;
import dev.culebra.backend.RopeScaling;
import dev.culebra.backend.Rotation;
import dev.culebra.options.Option;
import dev.culebra.options.OptionException;
import dev.culebra.options.Options;
import dev.culebra.options.Range;
import dev.culebra.options.ValueType;
import java.util.List;

/**
 * The shape of a {@link Gpt}. Each component and its range are described by its option: {@link
 * #LAYERS} and so on. All except {@code vocab} can be chosen.
 *
 * @param vocab number of tokens V; 0 until the tokenizer is known
 */
public record GptConfig(
    int layers,
    int heads,
    int embd,
    int context,
    int vocab,
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
    int headSize,
    int mlpWidth,
    boolean qkvBias,
    boolean attentionBias,
    boolean qkScale,
    float normEpsilon,
    float ropeTheta,
    RopeScaling ropeScaling) {

  // Larger than in any model, but small enough that computations with these dimensions cannot
  // overflow.
  private static final int MAX_LAYERS = 10_000;
  private static final int MAX_EMBD = 1 << 20;
  private static final int MAX_CONTEXT = 1 << 24;
  private static final int MAX_VOCAB = 1 << 24;

  private static final int VOCAB_PADDING = 128;

  public static final Option<GptConfig, Integer> LAYERS =
      Option.of("layers", WHOLE, GptConfig::layers)
          .help("N", "Blocks.")
          .range(Range.between(1, MAX_LAYERS));

  public static final Option<GptConfig, Integer> EMBD =
      Option.of("embd", WHOLE, GptConfig::embd)
          .help("N", "Width C of the residual stream.")
          .range(Range.between(1, MAX_EMBD));

  public static final Option<GptConfig, Integer> HEADS =
      Option.of("heads", WHOLE, GptConfig::heads)
          .help("N", "Attention heads, a divisor of %s.", EMBD)
          .range(Range.atLeast(1));

  public static final Option<GptConfig, Integer> CONTEXT =
      Option.of("context", WHOLE, GptConfig::context)
          .help("N", "Longest sequence T, in tokens.")
          .range(Range.between(1, MAX_CONTEXT));

  /** Applies to embeddings, attention probabilities and both branches of a block. */
  public static final Option<GptConfig, Float> DROPOUT =
      Option.of("dropout", NUMBER, GptConfig::dropout)
          .help("P", "Dropout probability.")
          .range(Range.fraction())
          .otherwise(0f);

  public static final Option<GptConfig, Boolean> BIAS =
      Option.of("bias", SWITCH, GptConfig::bias)
          .help("", "Biases in linear layers and layernorms.")
          .otherwise(false);

  public static final Option<GptConfig, Boolean> TIED_HEAD =
      Option.of("tiedHead", SWITCH, GptConfig::tiedHead)
          .help("", "The head shares the embedding's table.")
          .otherwise(true);

  public static final Option<GptConfig, Activation> ACTIVATION =
      Option.of("activation", oneOf(Activation.class), GptConfig::activation)
          .help("NAME", "Activation of the MLP.")
          .otherwise(Activation.GELU_TANH);

  /**
   * 8/3 C hidden columns rounded up to a multiple of 32: three matrices then have as many weights
   * as two (Shazeer, 2020).
   */
  public static final Option<GptConfig, Boolean> GATED_MLP =
      Option.of("gatedMlp", SWITCH, GptConfig::gatedMlp)
          .help("", "A gated MLP; SwiGLU with %s.", ACTIVATION.set(Activation.SILU))
          .otherwise(false);

  public static final Option<GptConfig, Positions> POSITIONS =
      Option.of("positions", oneOf(Positions.class), GptConfig::positions)
          .help("KIND", "How positions are encoded; rotary is RoPE.")
          .otherwise(Positions.LEARNED);

  public static final Option<GptConfig, Normalization> NORM =
      Option.of("norm", oneOf(Normalization.class), GptConfig::norm)
          .help("KIND", "Normalization of each half of a block, and before the head.")
          .otherwise(Normalization.LAYER);

  public static final Option<GptConfig, Boolean> QK_NORM =
      Option.of("qkNorm", SWITCH, GptConfig::qkNorm)
          .help("", "Normalize queries and keys to root mean square 1.")
          .otherwise(false);

  public static final Option<GptConfig, Integer> KV_HEADS =
      Option.of("kvHeads", WHOLE, GptConfig::kvHeads)
          .help("N", "Heads of keys and values, a divisor of %s (GQA); 0: the same number.", HEADS)
          .range(Range.atLeast(0))
          .otherwise(0);

  /** cap · tanh(logit / cap). */
  public static final Option<GptConfig, Float> SOFTCAP =
      Option.of("softcap", NUMBER, GptConfig::softcap)
          .help("X", "Bound of the logits, by tanh; 0: no bound.")
          .range(Range.notNegative())
          .otherwise(0f);

  /** With this times {@link #HEADS} columns between attention's two projections. */
  public static final Option<GptConfig, Integer> HEAD_SIZE =
      Option.of("headSize", WHOLE, GptConfig::headSize)
          .help("N", "Columns of a head; 0: %s / %s.", EMBD, HEADS)
          .range(Range.between(0, MAX_EMBD))
          .otherwise(0);

  public static final Option<GptConfig, Integer> MLP_WIDTH =
      Option.of("mlpWidth", WHOLE, GptConfig::mlpWidth)
          .help(
              "N",
              "Hidden columns of the MLP; 0: 4 times %s, or 8/3 times with %s.",
              EMBD,
              GATED_MLP.set(true))
          .range(Range.between(0, MAX_EMBD))
          .otherwise(0);

  /** As Qwen2 has it. */
  public static final Option<GptConfig, Boolean> QKV_BIAS =
      Option.of("qkvBias", SWITCH, GptConfig::qkvBias)
          .help("", "Biases of queries, keys and values even without %s.", BIAS)
          .otherwise(false);

  /** As Llama and Qwen3 have it with {@code attention_bias}. */
  public static final Option<GptConfig, Boolean> ATTENTION_BIAS =
      Option.of("attentionBias", SWITCH, GptConfig::attentionBias)
          .help("", "Biases of both matrices of attention even without %s.", BIAS)
          .otherwise(false);

  /** As Qwen3 has it. */
  public static final Option<GptConfig, Boolean> QK_SCALE =
      Option.of("qkScale", SWITCH, GptConfig::qkScale)
          .help("", "Learned scales of queries and keys; needs %s.", QK_NORM.set(true))
          .otherwise(false);

  /** Of QK-norm too. */
  public static final Option<GptConfig, Float> NORM_EPSILON =
      Option.of("normEpsilon", NUMBER, GptConfig::normEpsilon)
          .help("X", "Added to what norms take the root of.")
          .range(Range.positive())
          .otherwise(LayerNormOp.USUAL_EPSILON);

  /** Larger for longer contexts: 500,000 in Llama 3. */
  public static final Option<GptConfig, Float> ROPE_THETA =
      Option.of("ropeTheta", NUMBER, GptConfig::ropeTheta)
          .help("X", "Base of the frequencies of rotary positions.")
          .range(Range.positive())
          .otherwise(Rotation.USUAL_THETA);

  public static final Option<GptConfig, RopeScaling> ROPE_SCALING =
      Option.of(
              "ropeScaling",
              ValueType.of(
                  RopeScaling.class,
                  "none, or factor, low and high frequency factor and first context as in 8,1,4,8192",
                  RopeScaling::parse),
              GptConfig::ropeScaling)
          .help("F,L,H,N", "Llama 3.1's lower frequencies for contexts above N; none.")
          .otherwise(RopeScaling.NONE);

  /** All options. */
  public static final List<Option<GptConfig, ?>> OPTIONS =
      List.of(
          LAYERS,
          HEADS,
          EMBD,
          CONTEXT,
          DROPOUT,
          BIAS,
          TIED_HEAD,
          ACTIVATION,
          GATED_MLP,
          POSITIONS,
          NORM,
          QK_NORM,
          KV_HEADS,
          SOFTCAP,
          HEAD_SIZE,
          MLP_WIDTH,
          QKV_BIAS,
          ATTENTION_BIAS,
          QK_SCALE,
          NORM_EPSILON,
          ROPE_THETA,
          ROPE_SCALING);

  /** Llama's block (Touvron et al., 2023). */
  public static final Options LLAMA =
      Options.NONE
          .with(POSITIONS, Positions.ROTARY)
          .with(NORM, Normalization.RMS)
          .with(ACTIVATION, Activation.SILU)
          .with(GATED_MLP, true)
          .with(BIAS, false)
          .with(TIED_HEAD, false);

  /**
   * Checks every value.
   *
   * @throws OptionException with one line that names the value
   */
  public GptConfig {
    LAYERS.require(layers);
    EMBD.require(embd);
    HEADS.require(heads);
    CONTEXT.require(context);
    DROPOUT.require(dropout);
    ACTIVATION.require(activation);
    POSITIONS.require(positions);
    NORM.require(norm);
    KV_HEADS.require(kvHeads);
    SOFTCAP.require(softcap);
    HEAD_SIZE.require(headSize);
    MLP_WIDTH.require(mlpWidth);
    NORM_EPSILON.require(normEpsilon);
    ROPE_THETA.require(ropeTheta);
    ROPE_SCALING.require(ropeScaling);
    if (vocab < 0 || vocab > MAX_VOCAB) {
      throw new IllegalArgumentException(
          "vocab must be from 0 to %d, not %d".formatted(MAX_VOCAB, vocab));
    }
    if (headSize == 0 && embd % heads != 0) {
      throw new OptionException("%s must divide %s: %d and %d", HEADS, EMBD, heads, embd);
    }
    if (kvHeads > 0 && heads % kvHeads != 0) {
      throw new OptionException("%s must divide %s: %d and %d", KV_HEADS, HEADS, kvHeads, heads);
    }
    if ((long) heads * sizeOfHead(headSize, embd, heads) > MAX_EMBD) {
      throw new OptionException(
          "%s times %s is more than %d columns",
          HEADS.set(heads), HEAD_SIZE.set(headSize), MAX_EMBD);
    }
    boolean rotary = positions == Positions.ROTARY;
    if (rotary && sizeOfHead(headSize, embd, heads) % 2 != 0) {
      throw headSize == 0
          ? new OptionException(
              "%s needs heads of even size: %s has %d heads of %d",
              POSITIONS.set(positions), EMBD.set(embd), heads, embd / heads)
          : new OptionException(
              "%s needs heads of even size, but there is %s",
              POSITIONS.set(positions), HEAD_SIZE.set(headSize));
    }
    if (!rotary && (ropeTheta != Rotation.USUAL_THETA || !ropeScaling.isNone())) {
      throw new OptionException(
          "%s and %s need %s", ROPE_THETA, ROPE_SCALING, POSITIONS.set(Positions.ROTARY));
    }
    if (qkScale && !qkNorm) {
      throw new OptionException("%s needs %s", QK_SCALE.set(true), QK_NORM.set(true));
    }
  }

  /** A model like GPT-2. */
  public GptConfig(
      int layers,
      int heads,
      int embd,
      int context,
      int vocab,
      float dropout,
      boolean bias,
      boolean tiedHead,
      Activation activation) {
    this(
        layers,
        heads,
        embd,
        context,
        vocab,
        dropout,
        bias,
        tiedHead,
        activation,
        false,
        Positions.LEARNED,
        Normalization.LAYER,
        false,
        0,
        0,
        0,
        0,
        false,
        false,
        false,
        LayerNormOp.USUAL_EPSILON,
        Rotation.USUAL_THETA,
        RopeScaling.NONE);
  }

  /**
   * The shape with these values; the vocabulary is not known yet.
   *
   * @throws OptionException if a value is invalid or missing
   */
  public static GptConfig of(Options options) {
    return of(options, 0);
  }

  private static GptConfig of(Options options, int vocab) {
    return new GptConfig(
        options.value(LAYERS),
        options.value(HEADS),
        options.value(EMBD),
        options.value(CONTEXT),
        vocab,
        options.value(DROPOUT),
        options.value(BIAS),
        options.value(TIED_HEAD),
        options.value(ACTIVATION),
        options.value(GATED_MLP),
        options.value(POSITIONS),
        options.value(NORM),
        options.value(QK_NORM),
        options.value(KV_HEADS),
        options.value(SOFTCAP),
        options.value(HEAD_SIZE),
        options.value(MLP_WIDTH),
        options.value(QKV_BIAS),
        options.value(ATTENTION_BIAS),
        options.value(QK_SCALE),
        options.value(NORM_EPSILON),
        options.value(ROPE_THETA),
        options.value(ROPE_SCALING));
  }

  /** All values except {@code vocab}. */
  public Options options() {
    return Options.of(this, OPTIONS);
  }

  /**
   * This shape with other values.
   *
   * @throws OptionException if one is invalid
   */
  public GptConfig with(Options over) {
    return of(options().with(over), vocab);
  }

  /** This shape with one other value. */
  public <T> GptConfig with(Option<GptConfig, T> option, T value) {
    return with(Options.NONE.with(option, value));
  }

  /** This shape for a tokenizer of {@code vocab} tokens. */
  public GptConfig withVocab(int vocab) {
    return of(options(), vocab);
  }

  /** The heads of each block. */
  public HeadsSpec headsSpec() {
    boolean rotary = positions == Positions.ROTARY;
    Rotation rotation = rotary ? new Rotation(ropeTheta, ropeScaling) : Rotation.NONE;
    return new HeadsSpec(heads, kvHeads == 0 ? heads : kvHeads, qkNorm, normEpsilon, rotation);
  }

  /** Columns D of a head. */
  public int sizeOfHead() {
    return sizeOfHead(headSize, embd, heads);
  }

  private static int sizeOfHead(int headSize, int embd, int heads) {
    return headSize == 0 ? embd / heads : headSize;
  }

  /** Columns A of all heads, between attention's two projections. */
  public int attentionWidth() {
    return heads * sizeOfHead();
  }

  /** Columns that attention's first matrix makes: queries, keys and values. */
  public int projectedWidth() {
    return sizeOfHead() * headsSpec().projected();
  }

  /** Whether the projections to queries, keys and values have biases. */
  public boolean hasQkvBias() {
    return bias || qkvBias || attentionBias;
  }

  /** Whether the projection of attention into the stream has a bias. */
  public boolean hasAttentionOutBias() {
    return bias || attentionBias;
  }

  /** Columns H between an MLP's two matrices; of a gated one, of each of its halves. */
  public int hiddenWidth() {
    return mlpWidth == 0 ? Mlp.usualWidth(embd, gatedMlp) : mlpWidth;
  }

  /** Columns that an MLP's first matrix makes: H, or 2H of a gated one. */
  public int expandedWidth() {
    return gatedMlp ? 2 * hiddenWidth() : hiddenWidth();
  }

  /** Columns of each cached key and value. */
  public int cachedWidth() {
    return sizeOfHead() * headsSpec().kvHeads();
  }

  /** Rows of the embedding table and head: {@code vocab} rounded up for aligned matrix products. */
  public int paddedVocab() {
    return Math.ceilDiv(vocab, VOCAB_PADDING) * VOCAB_PADDING;
  }
}
