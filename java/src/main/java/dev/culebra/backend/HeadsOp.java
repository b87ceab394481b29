package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.require;
import static dev.culebra.backend.TensorChecks.same;
import static dev.culebra.backend.TensorChecks.scalar;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.width;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Prepares queries, keys and values for attention. */
public abstract class HeadsOp extends Op {
  /** With the {@code context} of its backend. */
  protected HeadsOp(OpContext context) {
    super(context);
  }

  /**
   * Turns the output of a projection into the input of attention. A row of {@code in} has {@code
   * heads} queries, {@code kvHeads} keys and {@code kvHeads} values of D columns each, D = C /
   * heads. If {@code spec} says so, queries and keys are normalised by their root mean square and
   * rotated. Then key and value g are copied to heads g · G … (g + 1) · G − 1, G = heads / kvHeads.
   *
   * <p>Normalisation: x / √(mean of x² + 1e-5). Rotation by the position p of the row: columns i
   * and i + D/2, for i below D/2, are rotated as (x, y) → (x cos φ − y sin φ, y cos φ + x sin φ)
   * with φ = p · 10000^(−2i/D).
   *
   * @param qkv (B, T, 3C)
   * @param in (B, T, (heads + 2 · kvHeads) · D)
   * @param offset I32 (1), the position of the first column, or null for 0
   */
  public final void forward(Tensor qkv, Tensor in, Tensor offset, HeadsSpec spec) {
    String op = "headsForward";
    check(op, "qkv (B, T, 3C)", qkv, in, spec);
    if (offset != null) {
      scalar(op, "offset (1)", offset, DType.I32);
    }

    begin();
    runForward(qkv, in, offset, spec);
    if (end()) {
      moved(op, qkv, in, offset);
    }
  }

  /**
   * Backward of {@link #forward} with offset 0.
   *
   * @param dIn (B, T, (heads + 2 · kvHeads) · D), =
   * @param dQkv (B, T, 3C)
   * @param in of the forward pass
   */
  public final void backward(Tensor dIn, Tensor dQkv, Tensor in, HeadsSpec spec) {
    String op = "headsBackward";
    check(op, "dQkv (B, T, 3C)", dQkv, in, spec);
    same(op, "dIn (B, T, (heads + 2 kvHeads) D)", dIn, "in (B, T, (heads + 2 kvHeads) D)", in);

    begin();
    runBackward(dIn, dQkv, in, spec);
    if (end()) {
      moved(op, dIn, dQkv, in);
    }
  }

  private void check(String op, String qkvName, Tensor qkv, Tensor in, HeadsSpec spec) {
    String inName = "in (B, T, (heads + 2 kvHeads) D)";
    present(op, "spec", spec);
    typed(op, qkvName, qkv, dtype(), 3);
    typed(op, inName, in, dtype(), 3);
    int size = width(qkv) / (3 * spec.heads());
    boolean fits =
        in.shape().dim(0) == qkv.shape().dim(0)
            && in.shape().dim(1) == qkv.shape().dim(1)
            && width(qkv) == 3 * spec.heads() * size
            && width(in) == spec.projected() * size;
    fit(op, fits, inName, in, qkvName, qkv);
    require(op, !spec.rotary() || size % 2 == 0, "rotary needs heads of even size");
  }

  /** {@link #forward} with checked arguments. */
  protected abstract void runForward(Tensor qkv, Tensor in, Tensor offset, HeadsSpec spec);

  /** {@link #backward} with checked arguments. */
  protected abstract void runBackward(Tensor dIn, Tensor dQkv, Tensor in, HeadsSpec spec);
}
