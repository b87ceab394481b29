package dev.culebra.nn;

import dev.culebra.backend.DropoutSpec;
import dev.culebra.backend.Planner;
import dev.culebra.tensor.Tensor;

/**
 * Dropout (Srivastava et al., 2014), in place; no effect in eval mode. The mask is redrawn in the
 * backward pass and never stored.
 */
public final class Dropout extends Module {
  private final float p;
  private DropoutSpec dropout;

  /**
   * @param p probability of dropping an element, in [0, 1)
   */
  public Dropout(float p) {
    if (!(p >= 0 && p < 1)) {
      throw new IllegalArgumentException("dropout must be in [0, 1), not " + p);
    }
    this.p = p;
  }

  @Override
  public void plan(Planner planner, int batch, int time) {
    dropout = p == 0 ? DropoutSpec.NONE : new DropoutSpec(p, planner.randomKey());
  }

  /** Overwrites and returns {@code x}. */
  public Tensor forward(Tensor x) {
    if (isActive()) {
      ops().dropout().forward(x, x, dropout);
    }
    return x;
  }

  /** Writes the gradient of the input to {@code dIn}, which may be {@code dOut}, and returns it. */
  public Tensor backward(Tensor dIn, Tensor dOut) {
    ops().dropout().backward(dIn, dOut, isActive() ? dropout : DropoutSpec.NONE);
    return dIn;
  }

  /** Whether it currently has an effect. */
  boolean isActive() {
    return p > 0 && isTraining();
  }

  /** The parameters for an operation with fused dropout; only for use while this is active. */
  DropoutSpec planned() {
    return dropout;
  }
}
