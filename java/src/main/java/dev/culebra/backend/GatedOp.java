package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.rows;
import static dev.culebra.backend.TensorChecks.same;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.width;

import dev.culebra.tensor.Tensor;

/** Gated activations, the middle of a gated MLP. */
public abstract class GatedOp extends Op {
  /** With the {@code context} of its backend. */
  protected GatedOp(OpContext context) {
    super(context);
  }

  /**
   * The product of the activated first half of the columns and the second half: out =
   * activation(in[0 … H)) · in[H … 2H), elementwise. With {@link Activation#SILU} it is SwiGLU:
   * Shazeer, "GLU variants improve Transformer" (2020).
   *
   * @param out (N, H)
   * @param in (N, 2H)
   */
  public final void forward(Tensor out, Tensor in, Activation activation) {
    String op = "gatedForward";
    check(op, "out (N, H)", out, in, activation);

    begin();
    runForward(out, in, activation);
    if (end()) {
      moved(op, out, in);
    }
  }

  /**
   * Backward of {@link #forward}.
   *
   * @param dIn (N, 2H), =
   * @param dOut (N, H)
   * @param in (N, 2H)
   */
  public final void backward(Tensor dIn, Tensor dOut, Tensor in, Activation activation) {
    String op = "gatedBackward";
    check(op, "dOut (N, H)", dOut, in, activation);
    same(op, "dIn (N, 2H)", dIn, "in (N, 2H)", in);

    begin();
    runBackward(dIn, dOut, in, activation);
    if (end()) {
      moved(op, dIn, dOut, in);
    }
  }

  private void check(String op, String outName, Tensor out, Tensor in, Activation activation) {
    typed(op, "in (N, 2H)", in, dtype());
    typed(op, outName, out, dtype());
    boolean fits = rows(out) == rows(in) && 2L * width(out) == width(in);
    fit(op, fits, outName, out, "in (N, 2H)", in);
    present(op, "activation", activation);
  }

  /** {@link #forward} with checked arguments. */
  protected abstract void runForward(Tensor out, Tensor in, Activation activation);

  /** {@link #backward} with checked arguments. */
  protected abstract void runBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation);
}
