package dev.culebra.nn;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Planner;
import dev.culebra.tensor.Tensor;

/**
 * activation(gate) · up, where gate and up are the halves of a row: the gate of a gated {@link Mlp}
 * (Shazeer, "GLU variants improve Transformer", 2020).
 */
final class Gated extends Module {
  private final int width;
  private final Activation activation;
  private Tensor in;
  private Tensor out;
  private Tensor dIn;
  private boolean restoresOutput;

  /** From rows of 2 · {@code width} to rows of {@code width}. */
  Gated(int width, Activation activation) {
    this.width = width;
    this.activation = activation;
  }

  @Override
  public void plan(Planner planner, int batch, int time) {
    plan(planner, batch, time, false);
  }

  /** See {@link Linear#plan(Planner, int, int, boolean)}. */
  void plan(Planner planner, int batch, int time, boolean restorable) {
    restoresOutput = restorable && planner.training();
    out =
        restoresOutput
            ? planner.gradient(batch, time, width)
            : planner.activation(batch, time, width);
    dIn = planner.training() ? planner.gradient(batch, time, 2 * width) : null;
  }

  /** (B, T, 2H) → (B, T, H). */
  Tensor forward(Tensor in) {
    this.in = in;
    ops().gated().forward(out, in, activation);
    return out;
  }

  /** Recomputes the output if it was not kept. */
  void restoreOutput() {
    if (restoresOutput) {
      ops().gated().forward(out, in, activation);
    }
  }

  /** The gradient of the input. */
  Tensor backward(Tensor dOut) {
    ops().gated().backward(dIn, dOut, in, activation);
    return dIn;
  }
}
