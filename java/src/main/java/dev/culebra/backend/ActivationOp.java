package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.same;
import static dev.culebra.backend.TensorChecks.typed;

import dev.culebra.tensor.Tensor;

/** Elementwise activations. */
public abstract class ActivationOp extends Op {
  /** With the {@code context} of its backend. */
  protected ActivationOp(OpContext context) {
    super(context);
  }

  /** out = activation(in), elementwise; may be in place. */
  public final void forward(Tensor out, Tensor in, Activation activation) {
    String op = "activationForward";
    typed(op, "in", in, dtype());
    same(op, "out", out, "in", in);
    present(op, "activation", activation);

    begin();
    runForward(out, in, activation);
    if (end()) {
      moved(op, out, in);
    }
  }

  /** dIn = dOut · activation′(in), elementwise; dIn may be dOut. */
  public final void backward(Tensor dIn, Tensor dOut, Tensor in, Activation activation) {
    String op = "activationBackward";
    typed(op, "in", in, dtype());
    same(op, "dOut", dOut, "in", in);
    same(op, "dIn", dIn, "in", in);
    present(op, "activation", activation);

    begin();
    runBackward(dIn, dOut, in, activation);
    if (end()) {
      moved(op, dIn, dOut, in);
    }
  }

  /** {@link #forward} with checked arguments. */
  protected abstract void runForward(Tensor out, Tensor in, Activation activation);

  /** {@link #backward} with checked arguments. */
  protected abstract void runBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation);
}
