package dev.culebra.nn;

import dev.culebra.backend.Backend;
import dev.culebra.backend.Planner;
import dev.culebra.tensor.Tensor;

/**
 * The lecture's baseline: the logits of the next token are a row of a table, selected by the
 * previous token.
 */
public final class Bigram extends LanguageModel {
  private final Embedding table;

  /** A table (V, V) on {@code backend}, drawn from {@code seed}. */
  public Bigram(int vocab, Backend backend, long seed) {
    this(vocab, backend);
    allocateParameters(seed);
  }

  private Bigram(int vocab, Backend backend) {
    super(backend, vocab);
    table = child("", new Embedding(vocab, vocab, 0, vocab));
  }

  @Override
  public Bigram shareWeights() {
    Bigram other = new Bigram(vocab(), backend());
    other.shareParameters(parameters());
    return other;
  }

  @Override
  protected void planNetwork(Planner planner, int batch, int time) {
    table.plan(planner, batch, time);
  }

  @Override
  protected Tensor forward(Tensor tokens) {
    return table.forward(tokens);
  }

  @Override
  protected void backward(Tensor dLogits) {
    table.backward(dLogits);
  }
}
