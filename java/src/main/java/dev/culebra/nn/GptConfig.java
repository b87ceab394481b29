package dev.culebra.nn;

import dev.culebra.backend.Activation;
import dev.culebra.backend.HeadsSpec;

/**
 * The shape of a {@link Gpt}.
 *
 * @param layers number of blocks
 * @param heads attention heads of a block; divides {@code embd}
 * @param embd width C of the residual stream
 * @param context longest sequence T
 * @param vocab number of tokens V
 * @param dropout probability of dropping, in [0, 1): embeddings, attention probabilities, both
 *     branches of a block
 * @param bias whether linear layers and layernorms have one
 * @param tiedHead whether the output head shares the token embedding's table
 * @param activation of the MLP
 * @param variant what is otherwise than in GPT-2
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
    Variant variant) {

  /** More than any model has: what is computed from these dimensions cannot overflow. */
  public static final int MAX_LAYERS = 10_000;

  public static final int MAX_EMBD = 1 << 20;
  public static final int MAX_CONTEXT = 1 << 24;
  public static final int MAX_VOCAB = 1 << 24;

  private static final int VOCAB_PADDING = 128;

  /**
   * Checks what can be checked.
   *
   * @throws IllegalArgumentException with one line that names the value
   */
  public GptConfig {
    requireWithin("layers", layers, MAX_LAYERS);
    requireWithin("embd", embd, MAX_EMBD);
    requireWithin("heads", heads, embd);
    requireWithin("context", context, MAX_CONTEXT);
    requireWithin("vocab", vocab, MAX_VOCAB);
    if (embd % heads != 0) {
      throw new IllegalArgumentException(
          "heads must divide embd: %d heads, embd %d".formatted(heads, embd));
    }
    if (!(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException("dropout must be in [0, 1), not " + dropout);
    }
    if (activation == null) {
      throw new IllegalArgumentException("activation must be given");
    }
    if (variant == null) {
      throw new IllegalArgumentException("variant must be given");
    }
    if (variant.kvHeads() > 0 && heads % variant.kvHeads() != 0) {
      throw new IllegalArgumentException(
          "kvHeads must divide heads: %d kvHeads, %d heads".formatted(variant.kvHeads(), heads));
    }
    if (variant.positions() == Positions.ROTARY && embd / heads % 2 != 0) {
      throw new IllegalArgumentException(
          "rotary positions need heads of even size, not %d".formatted(embd / heads));
    }
  }

  /** A model as GPT-2 is one. */
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
    this(layers, heads, embd, context, vocab, dropout, bias, tiedHead, activation, Variant.GPT2);
  }

  /** The heads of each block. */
  public HeadsSpec headsSpec() {
    int kvHeads = variant.kvHeads() == 0 ? heads : variant.kvHeads();
    boolean rotary = variant.positions() == Positions.ROTARY;
    return new HeadsSpec(heads, kvHeads, variant.qkNorm(), rotary);
  }

  /** Columns that each MLP's first matrix makes; no matrix of a block has more rows. */
  public int expandedWidth() {
    return Mlp.expandedWidth(embd, variant.gatedMlp());
  }

  /** Columns of each key and value that is kept for later tokens. */
  public int cachedWidth() {
    return embd / heads * headsSpec().kvHeads();
  }

  /** Rows of the embedding table and head: {@code vocab} rounded up for aligned matrix products. */
  public int paddedVocab() {
    return Math.ceilDiv(vocab, VOCAB_PADDING) * VOCAB_PADDING;
  }

  public GptConfig withVocab(int vocab) {
    return new GptConfig(
        layers, heads, embd, context, vocab, dropout, bias, tiedHead, activation, variant);
  }

  public GptConfig withContext(int context) {
    return new GptConfig(
        layers, heads, embd, context, vocab, dropout, bias, tiedHead, activation, variant);
  }

  public GptConfig withDropout(float dropout) {
    return new GptConfig(
        layers, heads, embd, context, vocab, dropout, bias, tiedHead, activation, variant);
  }

  public GptConfig withVariant(Variant variant) {
    return new GptConfig(
        layers, heads, embd, context, vocab, dropout, bias, tiedHead, activation, variant);
  }

  private static void requireWithin(String name, int value, int most) {
    if (value < 1 || value > most) {
      throw new IllegalArgumentException(
          value < 1
              ? name + " must be at least 1, not " + value
              : "%s must be at most %d, not %d".formatted(name, most, value));
    }
  }
}
