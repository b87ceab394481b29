package dev.culebra.nn;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Planner;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;

/**
 * Logits of each token: x · Wᵀ with W (padded V, C), its own or the token embedding's (Press and
 * Wolf, 2017).
 */
public final class Head extends Module {
  private final Parameter weight;
  private Tensor in;
  private Tensor logits;
  private Tensor dIn;

  /** With a table of its own. */
  public Head(int vocab, int paddedVocab, int width) {
    weight = parameter("weight", Init.GPT2, Shape.of(paddedVocab, width), Shape.of(vocab, width));
  }

  /** Tied: shares {@code table} with the module that registered it. */
  public Head(Parameter table) {
    weight = table;
  }

  @Override
  public void plan(Planner planner, int batch, int time) {
    logits = planner.keepActivation(batch, time, weight.shape().dim(0));
    dIn = planner.training() ? planner.gradient(batch, time, weight.shape().dim(1)) : null;
  }

  /** (B, T, C) → (B, T, padded V). */
  public Tensor forward(Tensor in) {
    this.in = in;
    ops().linearForward(logits, null, in, weight.value(), null, Activation.IDENTITY);
    return logits;
  }

  /** The gradient of the input. */
  public Tensor backward(Tensor dLogits) {
    ops().linearBackward(dIn, weight.gradient(), null, dLogits, in, weight.value());
    return dIn;
  }
}
