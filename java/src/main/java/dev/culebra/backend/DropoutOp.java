package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.same;
import static dev.culebra.backend.TensorChecks.typed;

import dev.culebra.tensor.Tensor;

/** Elementwise dropout. */
public abstract class DropoutOp extends Op {
  /** With the {@code context} of its backend. */
  protected DropoutOp(OpContext context) {
    super(context);
  }

  /** out = dropout(in), elementwise; may be in place. */
  public final void forward(Tensor out, Tensor in, DropoutSpec dropout) {
    String op = "dropoutForward";
    typed(op, "in", in, dtype());
    same(op, "out", out, "in", in);
    present(op, "dropout", dropout);

    begin();
    run(out, in, dropout);
    if (end()) {
      moved(op, out, in);
    }
  }

  /** dIn = dOut with the mask of the forward pass; may be in place. */
  public final void backward(Tensor dIn, Tensor dOut, DropoutSpec dropout) {
    String op = "dropoutBackward";
    typed(op, "dOut", dOut, dtype());
    same(op, "dIn", dIn, "dOut", dOut);
    present(op, "dropout", dropout);

    begin();
    run(dIn, dOut, dropout);
    if (end()) {
      moved(op, dIn, dOut);
    }
  }

  /** Both passes: they drop the same elements. */
  protected abstract void run(Tensor out, Tensor in, DropoutSpec dropout);
}
