package dev.culebra.nn;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Planner;
import dev.culebra.backend.Recompute;
import dev.culebra.tensor.Tensor;

/**
 * The feed-forward half of a block: C → 4C → activation → C, or a gated one, C → 2H → activation of
 * one half times the other → C.
 */
public final class Mlp extends Module {
  private static final int HIDDEN_MULTIPLE = 32;

  private final Linear expand;
  private final Gated gate;
  private final Linear project;

  /**
   * @param width C
   * @param projection initialisation of the projection into the residual stream
   */
  public Mlp(int width, boolean bias, Activation activation, Init projection) {
    this(width, bias, activation, false, projection);
  }

  /** The same, gated or not. */
  public Mlp(int width, boolean bias, Activation activation, boolean gated, Init projection) {
    int expanded = expandedWidth(width, gated);
    int hidden = hiddenWidth(width, gated);
    Activation ofExpand = gated ? Activation.IDENTITY : activation;
    expand = child("c_fc", new Linear(width, expanded, bias, ofExpand, Init.GPT2));
    gate = gated ? child("gate", new Gated(hidden, activation)) : null;
    project = child("c_proj", new Linear(hidden, width, bias, Activation.IDENTITY, projection));
  }

  /**
   * 4C, or 2H: H is 8/3 C, so that three matrices have the weights of two of 4C, rounded up to a
   * multiple of 32.
   */
  static int expandedWidth(int width, boolean gated) {
    return gated ? 2 * Math.ceilDiv(8 * width, 3 * HIDDEN_MULTIPLE) * HIDDEN_MULTIPLE : 4 * width;
  }

  /** Columns between the two layers: 4C, or H. */
  public static int hiddenWidth(int width, boolean gated) {
    return gated ? expandedWidth(width, true) / 2 : expandedWidth(width, false);
  }

  @Override
  public void plan(Planner planner, int batch, int time) {
    boolean restorable = planner.recompute() == Recompute.GELU;
    expand.plan(planner, batch, time, restorable && gate == null);
    if (gate != null) {
      gate.plan(planner, batch, time, restorable);
    }
    project.plan(planner, batch, time);
  }

  /** (B, T, C) → (B, T, C). */
  public Tensor forward(Tensor in) {
    Tensor hidden = expand.forward(in);
    return project.forward(gate == null ? hidden : gate.forward(hidden));
  }

  /** The gradient of the input. */
  public Tensor backward(Tensor dOut) {
    return backward(dOut, true);
  }

  /** The same, the gradient of the projection's bias only where {@code biasToo}. */
  Tensor backward(Tensor dOut, boolean biasToo) {
    if (gate == null) {
      expand.restoreOutput();
      return expand.backwardOfPreActivation(project.backwardThrough(expand, dOut, biasToo));
    }
    gate.restoreOutput();
    return expand.backward(gate.backward(project.backward(dOut, biasToo)));
  }

  /** Of the projection into the stream; null without a bias. */
  Tensor projectionBiasGradient() {
    return project.biasGradient();
  }
}
