package dev.culebra.nn;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Planner;
import dev.culebra.backend.Recompute;
import dev.culebra.tensor.Tensor;

/**
 * The feed-forward half of a block: C → H → activation → C, or a gated one, C → 2H → activation of
 * the first half times the second → C. H is 4C in GPT-2.
 */
public final class Mlp extends Module {
  private static final int HIDDEN_MULTIPLE = 32;

  private final Linear expand;
  private final Gated gate;
  private final Linear project;

  /** The MLP of each block of the model that {@code config} describes. */
  public Mlp(GptConfig config) {
    int width = config.embd();
    int hidden = config.hiddenWidth();
    boolean bias = config.bias();
    boolean gated = config.gatedMlp();
    Activation ofExpand = gated ? Activation.IDENTITY : config.activation();
    expand = child("c_fc", new Linear(width, config.expandedWidth(), bias, ofExpand, Init.GPT2));
    gate = gated ? child("gate", new Gated(hidden, config.activation())) : null;
    Init projection = Init.residualProjection(config.layers());
    project = child("c_proj", new Linear(hidden, width, bias, Activation.IDENTITY, projection));
  }

  /**
   * Hidden columns by default: 4C, or 8/3 C of a gated one, so that three matrices have the weights
   * of two of 4C, rounded up to a multiple of 32.
   */
  static int usualWidth(int width, boolean gated) {
    return gated ? Math.ceilDiv(8 * width, 3 * HIDDEN_MULTIPLE) * HIDDEN_MULTIPLE : 4 * width;
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

  /** The same; computes the gradient of the projection's bias only if {@code biasToo}. */
  Tensor backward(Tensor dOut, boolean biasToo) {
    if (gate == null) {
      expand.restoreOutput();
      return expand.backwardOfPreActivation(project.backwardThrough(expand, dOut, biasToo));
    }
    gate.restoreOutput();
    return expand.backward(gate.backward(project.backward(dOut, biasToo)));
  }

  /** The bias gradient of the projection into the stream; null without a bias. */
  Tensor projectionBiasGradient() {
    return project.biasGradient();
  }
}
