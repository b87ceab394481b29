package dev.culebra.nn;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Planner;
import dev.culebra.backend.Recompute;
import dev.culebra.tensor.Tensor;

/** The feed-forward half of a block: C → 4C → activation → C. */
public final class Mlp extends Module {
  private final Linear expand;
  private final Linear project;

  /**
   * @param width C
   * @param projection initialisation of the projection into the residual stream
   */
  public Mlp(int width, boolean bias, Activation activation, Init projection) {
    expand = child("c_fc", new Linear(width, 4 * width, bias, activation, Init.GPT2));
    project = child("c_proj", new Linear(4 * width, width, bias, Activation.IDENTITY, projection));
  }

  @Override
  public void plan(Planner planner, int batch, int time) {
    if (planner.recompute() == Recompute.GELU) {
      expand.planRestorable(planner, batch, time);
    } else {
      expand.plan(planner, batch, time);
    }
    project.plan(planner, batch, time);
  }

  /** (B, T, C) → (B, T, C). */
  public Tensor forward(Tensor in) {
    return project.forward(expand.forward(in));
  }

  /** The gradient of the input. */
  public Tensor backward(Tensor dOut) {
    expand.restoreOutput();
    return expand.backward(project.backward(dOut));
  }
}
