package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.scalar;
import static dev.culebra.backend.TensorChecks.typed;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** The length of a vector. */
public abstract class NormOp extends Op {
  /** With the {@code context} of its backend. */
  protected NormOp(OpContext context) {
    super(context);
  }

  /** norm (1) = √ Σ in² of an F32 tensor, in fixed-size blocks summed in order. */
  public final void compute(Tensor norm, Tensor in) {
    String op = "norm";
    typed(op, "in", in, DType.F32);
    scalar(op, "norm (1)", norm, DType.F32);

    begin();
    runCompute(norm, in);
    if (end()) {
      moved(op, norm, in);
    }
  }

  /** {@link #compute} with checked arguments. */
  protected abstract void runCompute(Tensor norm, Tensor in);
}
