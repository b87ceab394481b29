package dev.culebra.nn;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Planner;
import dev.culebra.tensor.Tensor;

/**
 * An activation as a separate module; in an {@link Mlp} it is part of the preceding {@link Linear}.
 */
public abstract sealed class Elementwise extends Module permits Gelu, Relu {
  private final int width;
  private final Activation activation;
  private Tensor in;
  private Tensor out;

  Elementwise(int width, Activation activation) {
    this.width = width;
    this.activation = activation;
  }

  @Override
  public void plan(Planner planner, int batch, int time) {
    out = planner.activation(batch, time, width);
  }

  /** (B, T, C) → (B, T, C). */
  public Tensor forward(Tensor in) {
    this.in = in;
    ops().activation().forward(out, in, activation);
    return out;
  }

  /** Overwrites {@code dOut} with the gradient of the input and returns it. */
  public Tensor backward(Tensor dOut) {
    ops().activation().backward(dOut, dOut, in, activation);
    return dOut;
  }
}
