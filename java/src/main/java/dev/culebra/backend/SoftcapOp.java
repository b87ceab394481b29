package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.require;
import static dev.culebra.backend.TensorChecks.same;
import static dev.culebra.backend.TensorChecks.typed;

import dev.culebra.tensor.Tensor;

/** Soft cap of logits. */
public abstract class SoftcapOp extends Op {
  /** With the {@code context} of its backend. */
  protected SoftcapOp(OpContext context) {
    super(context);
  }

  /**
   * out = cap · tanh(in / cap), elementwise; may be in place. Gemma Team, "Gemma 2" (2024).
   *
   * @param cap above 0
   */
  public final void forward(Tensor out, Tensor in, float cap) {
    String op = "softcapForward";
    typed(op, "in", in, dtype());
    same(op, "out", out, "in", in);
    require(op, cap > 0 && Float.isFinite(cap), "cap must be above 0");

    begin();
    runForward(out, in, cap);
    if (end()) {
      moved(op, out, in);
    }
  }

  /** dIn = dOut · (1 − tanh²(in / cap)), elementwise; dIn may be dOut. */
  public final void backward(Tensor dIn, Tensor dOut, Tensor in, float cap) {
    String op = "softcapBackward";
    typed(op, "in", in, dtype());
    same(op, "dOut", dOut, "in", in);
    same(op, "dIn", dIn, "in", in);
    require(op, cap > 0 && Float.isFinite(cap), "cap must be above 0");

    begin();
    runBackward(dIn, dOut, in, cap);
    if (end()) {
      moved(op, dIn, dOut, in);
    }
  }

  /** {@link #forward} with checked arguments. */
  protected abstract void runForward(Tensor out, Tensor in, float cap);

  /** {@link #backward} with checked arguments. */
  protected abstract void runBackward(Tensor dIn, Tensor dOut, Tensor in, float cap);
}
