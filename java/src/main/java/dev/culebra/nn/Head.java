package dev.culebra.nn;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Planner;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;

/**
 * Logits of each token: x · Wᵀ with W (padded V, C), its own or the token embedding's (Press and
 * Wolf, 2017); with an optional soft cap.
 */
public final class Head extends Module {
  private final Parameter weight;
  private final float softcap;
  private Tensor in;
  private Tensor product;
  private Tensor logits;
  private Tensor dIn;

  /**
   * With its own table.
   *
   * @param softcap bound of the logits, 0 for none
   */
  public Head(int vocab, int paddedVocab, int width, float softcap) {
    weight = table("weight", Init.GPT2, Shape.of(paddedVocab, width), Shape.of(vocab, width));
    this.softcap = softcap;
  }

  /** Tied: shares {@code table} with the module that registered it. */
  public Head(Parameter table, float softcap) {
    weight = table;
    this.softcap = softcap;
  }

  @Override
  public void plan(Planner planner, int batch, int time) {
    int columns = weight.shape().dim(0);
    logits = planner.keepActivation(batch, time, columns);
    // The loss replaces the logits with its gradient, but the cap's backward pass needs its input.
    boolean keeps = softcap > 0 && planner.training();
    product = keeps ? planner.keepActivation(batch, time, columns) : logits;
    dIn = planner.training() ? planner.gradient(batch, time, weight.shape().dim(1)) : null;
  }

  /** (B, T, C) → (B, T, padded V). */
  public Tensor forward(Tensor in) {
    this.in = in;
    multiply(product, null, in, weight, null, Activation.IDENTITY);
    if (softcap > 0) {
      ops().softcap().forward(logits, product, softcap);
    }
    return logits;
  }

  /** The gradient of the input; {@code dLogits} is overwritten if there is a cap. */
  public Tensor backward(Tensor dLogits) {
    if (softcap > 0) {
      ops().softcap().backward(dLogits, dLogits, product, softcap);
    }
    ops()
        .linear()
        .backward(
            dIn, weight.gradient(), null, dLogits, in, weight.value(), null, Activation.IDENTITY);
    return dIn;
  }
}
