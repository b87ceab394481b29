package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.require;
import static dev.culebra.backend.TensorChecks.rows;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.vectorOrNull;
import static dev.culebra.backend.TensorChecks.width;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/**
 * A linear layer for inference, whose weights are a {@link CompactWeight}. Not every backend has
 * it: {@link Backend#compactLinear}.
 */
public abstract class CompactLinearOp extends Op {
  /** With what it shares with the other operations of its backend. */
  protected CompactLinearOp(OpContext context) {
    super(context);
  }

  /**
   * out = activation(in · weightᵀ + bias), the weights widened to F32 and all arithmetic in F32.
   *
   * @param out (N, OC)
   * @param in (N, IC)
   * @param weight (OC, IC)
   * @param bias (OC) or null
   */
  public final void forward(
      Tensor out, Tensor in, CompactWeight weight, Tensor bias, Activation activation) {
    String op = "compactLinearForward";
    present(op, "weight (OC, IC)", weight);
    present(op, "activation", activation);
    typed(op, "in (N, IC)", in, dtype());
    typed(op, "out (N, OC)", out, dtype());
    Tensor values = weight.values();
    fit(op, width(values) == width(in), "weight (OC, IC)", values, "in (N, IC)", in);
    fit(op, rows(out) == rows(in), "out (N, OC)", out, "in (N, IC)", in);
    fit(op, width(out) == rows(values), "out (N, OC)", out, "weight (OC, IC)", values);
    vectorOrNull(op, "bias (OC)", bias, dtype(), rows(values), "weight (OC, IC)", values);

    begin();
    runForward(out, in, weight, bias, activation);
    if (end()) {
      double flops = 2.0 * rows(out) * values.elements();
      called(op, rows(out) + " × " + weight, flops, weight.bytes());
    }
  }

  /**
   * Rounds rows of a matrix to what {@code weight} can hold.
   *
   * @param weight (OC, IC); its rows {@code firstRow} … {@code firstRow} + N − 1 are written
   * @param rows F32 (N, IC), in the memory of the host
   */
  public final void store(CompactWeight weight, int firstRow, Tensor rows) {
    String op = "compactLinearStore";
    present(op, "weight (OC, IC)", weight);
    typed(op, "rows (N, IC)", rows, DType.F32, 2);
    Tensor values = weight.values();
    fit(op, width(rows) == width(values), "rows (N, IC)", rows, "weight (OC, IC)", values);
    require(
        op,
        firstRow >= 0 && firstRow + rows(rows) <= rows(values),
        "rows %d to %d are not all in weight (OC, IC) = %s"
            .formatted(firstRow, firstRow + rows(rows) - 1, weight));

    begin();
    runStore(weight, firstRow, rows);
    if (end()) {
      moved(op, rows);
    }
  }

  /** {@link #forward}, its arguments checked. */
  protected abstract void runForward(
      Tensor out, Tensor in, CompactWeight weight, Tensor bias, Activation activation);

  /** {@link #store}, its arguments checked. */
  protected abstract void runStore(CompactWeight weight, int firstRow, Tensor rows);
}
