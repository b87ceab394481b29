package dev.culebra.nn;

import dev.culebra.backend.Activation;

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
    Activation activation) {

  private static final int VOCAB_PADDING = 128;

  /**
   * Checks what can be checked.
   *
   * @throws IllegalArgumentException with one line that names the value
   */
  public GptConfig {
    requirePositive("layers", layers);
    requirePositive("heads", heads);
    requirePositive("embd", embd);
    requirePositive("context", context);
    requirePositive("vocab", vocab);
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
  }

  /** Rows of the embedding table and head: {@code vocab} rounded up for aligned matrix products. */
  public int paddedVocab() {
    return Math.ceilDiv(vocab, VOCAB_PADDING) * VOCAB_PADDING;
  }

  public GptConfig withVocab(int vocab) {
    return new GptConfig(layers, heads, embd, context, vocab, dropout, bias, tiedHead, activation);
  }

  public GptConfig withContext(int context) {
    return new GptConfig(layers, heads, embd, context, vocab, dropout, bias, tiedHead, activation);
  }

  public GptConfig withDropout(float dropout) {
    return new GptConfig(layers, heads, embd, context, vocab, dropout, bias, tiedHead, activation);
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1, not " + value);
    }
  }
}
