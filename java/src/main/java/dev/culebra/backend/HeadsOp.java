package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.require;
import static dev.culebra.backend.TensorChecks.same;
import static dev.culebra.backend.TensorChecks.scalar;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.vector;
import static dev.culebra.backend.TensorChecks.width;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Prepares queries, keys and values for attention. */
public abstract class HeadsOp extends Op {
  private static final String IN = "in (B, T, (heads + 2 kvHeads) D)";

  /** With the {@code context} of its backend. */
  protected HeadsOp(OpContext context) {
    super(context);
  }

  /**
   * Turns the output of a projection into the input of attention. A row of {@code in} has {@code
   * heads} queries, {@code kvHeads} keys and {@code kvHeads} values of D columns each, D = C /
   * heads. If {@code spec} says so, queries and keys are normalised by their root mean square,
   * scaled and rotated. Then key and value g are copied to heads g · G … (g + 1) · G − 1, G = heads
   * / kvHeads.
   *
   * <p>Normalisation: x / √(mean of x² + ε), then times a scale per column. Rotation by the
   * position p of the row: columns i and i + D/2, for i below D/2, are rotated as (x, y) → (x cos φ
   * − y sin φ, y cos φ + x sin φ) with φ = p · {@link Rotation#frequency}.
   *
   * @param qkv (B, T, 3C)
   * @param in (B, T, (heads + 2 · kvHeads) · D)
   * @param queryScale (D), of divided queries, or null for none
   * @param keyScale (D), of divided keys; null where {@code queryScale} is
   * @param offset I32 (1), the position of the first column, or null for 0
   */
  public final void forward(
      Tensor qkv, Tensor in, Tensor queryScale, Tensor keyScale, Tensor offset, HeadsSpec spec) {
    String op = "headsForward";
    check(op, "qkv (B, T, 3C)", qkv, in, spec);
    checkScales(op, queryScale, keyScale, qkv, spec);
    if (offset != null) {
      scalar(op, "offset (1)", offset, DType.I32);
    }

    begin();
    runForward(qkv, in, queryScale, keyScale, offset, spec);
    if (end()) {
      moved(op, qkv, in, queryScale, keyScale, offset);
    }
  }

  /**
   * Backward of {@link #forward} with offset 0.
   *
   * @param dIn (B, T, (heads + 2 · kvHeads) · D), =
   * @param dQueryScale (D), +=; null where there are no scales
   * @param dKeyScale (D), +=; null where there are no scales
   * @param dQkv (B, T, 3C)
   * @param in of the forward pass
   */
  public final void backward(
      Tensor dIn,
      Tensor dQueryScale,
      Tensor dKeyScale,
      Tensor dQkv,
      Tensor in,
      Tensor queryScale,
      Tensor keyScale,
      HeadsSpec spec) {
    String op = "headsBackward";
    check(op, "dQkv (B, T, 3C)", dQkv, in, spec);
    same(op, "dIn (B, T, (heads + 2 kvHeads) D)", dIn, IN, in);
    checkScales(op, queryScale, keyScale, dQkv, spec);
    if (queryScale != null) {
      vector(op, "dQueryScale (D)", dQueryScale, DType.F32, size(dQkv, spec), IN, in);
      vector(op, "dKeyScale (D)", dKeyScale, DType.F32, size(dQkv, spec), IN, in);
    } else {
      require(
          op,
          dQueryScale == null && dKeyScale == null,
          "queryScale (D) is missing, but there are gradients of scales");
    }

    begin();
    runBackward(dIn, dQueryScale, dKeyScale, dQkv, in, queryScale, keyScale, spec);
    if (end()) {
      moved(
          op, dIn, dQueryScale, dQueryScale, dKeyScale, dKeyScale, dQkv, in, queryScale, keyScale);
    }
  }

  private void check(String op, String qkvName, Tensor qkv, Tensor in, HeadsSpec spec) {
    present(op, "spec", spec);
    typed(op, qkvName, qkv, dtype(), 3);
    typed(op, IN, in, dtype(), 3);
    int size = size(qkv, spec);
    boolean fits =
        in.shape().dim(0) == qkv.shape().dim(0)
            && in.shape().dim(1) == qkv.shape().dim(1)
            && width(qkv) == 3 * spec.heads() * size
            && width(in) == spec.projected() * size;
    fit(op, fits, IN, in, qkvName, qkv);
    require(op, !spec.rotary() || size % 2 == 0, "rotary needs heads of even size");
  }

  private void checkScales(
      String op, Tensor queryScale, Tensor keyScale, Tensor qkv, HeadsSpec spec) {
    if (queryScale == null) {
      require(op, keyScale == null, "queryScale (D) is missing, but there is keyScale (D)");
      return;
    }
    vector(op, "queryScale (D)", queryScale, dtype(), size(qkv, spec), "qkv (B, T, 3C)", qkv);
    vector(op, "keyScale (D)", keyScale, dtype(), size(qkv, spec), "qkv (B, T, 3C)", qkv);
    require(op, spec.normalised(), "scales need normalised queries and keys");
  }

  private static int size(Tensor qkv, HeadsSpec spec) {
    return width(qkv) / (3 * spec.heads());
  }

  /** {@link #forward} with checked arguments. */
  protected abstract void runForward(
      Tensor qkv, Tensor in, Tensor queryScale, Tensor keyScale, Tensor offset, HeadsSpec spec);

  /** {@link #backward} with checked arguments. */
  protected abstract void runBackward(
      Tensor dIn,
      Tensor dQueryScale,
      Tensor dKeyScale,
      Tensor dQkv,
      Tensor in,
      Tensor queryScale,
      Tensor keyScale,
      HeadsSpec spec);
}
