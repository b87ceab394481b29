package dev.culebra.nn;

import dev.culebra.backend.Activation;

/** Models by name. */
public enum Preset {
  /** A character model that trains in minutes on a CPU, with nanoGPT's values. */
  NANO(4, 4, 128, 64, 0, false),
  /** nanoGPT's and the lecture's Shakespeare model. */
  BABY(6, 6, 384, 256, 0.2f, false),
  /** GPT-2 small: Radford et al., "Language models are unsupervised multitask learners" (2019). */
  GPT2(12, 12, 768, 1024, 0, true),
  GPT2_MEDIUM(24, 16, 1024, 1024, 0, true),
  GPT2_LARGE(36, 20, 1280, 1024, 0, true),
  GPT2_XL(48, 25, 1600, 1024, 0, true);

  private final int layers;
  private final int heads;
  private final int embd;
  private final int context;
  private final float dropout;
  private final boolean bias;

  Preset(int layers, int heads, int embd, int context, float dropout, boolean bias) {
    this.layers = layers;
    this.heads = heads;
    this.embd = embd;
    this.context = context;
    this.dropout = dropout;
    this.bias = bias;
  }

  /** The model with a vocabulary of {@code vocab} tokens, head tied, tanh GELU. */
  public GptConfig config(int vocab) {
    return new GptConfig(
        layers, heads, embd, context, vocab, dropout, bias, true, Activation.GELU_TANH);
  }

  /** The name on the command line: {@code gpt2-medium}. */
  public String label() {
    return name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
  }

  @Override
  public String toString() {
    return label();
  }
}
