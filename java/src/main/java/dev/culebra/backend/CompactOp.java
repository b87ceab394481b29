package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.require;
import static dev.culebra.backend.TensorChecks.rows;
import static dev.culebra.backend.TensorChecks.scalar;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.vectorOrNull;
import static dev.culebra.backend.TensorChecks.width;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * What inference does with a {@link CompactWeight}: the forward passes of {@link LinearOp} and
 * {@link EmbeddingOp}, with weights that are widened to F32 where they are used. Not every backend
 * has it: {@link Backend#compact}.
 */
public abstract class CompactOp extends Op {
  /** With the {@code context} of its backend. */
  protected CompactOp(OpContext context) {
    super(context);
  }

  /**
   * out = activation(in · weightᵀ + bias), all arithmetic in F32.
   *
   * @param out (N, OC)
   * @param in (N, IC)
   * @param weight (OC, IC)
   * @param bias (OC) or null
   */
  public final void linear(
      Tensor out, Tensor in, CompactWeight weight, Tensor bias, Activation activation) {
    String op = "compactLinear";
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
    runLinear(out, in, weight, bias, activation);
    if (end()) {
      double flops = 2.0 * rows(out) * values.elements();
      called(op, rows(out) + " × " + weight, flops, 0);
    }
  }

  /**
   * out[b, t] = tokenTable[tokens[b, t]] + positionTable[offset + t].
   *
   * @param out (B, T, C)
   * @param tokens I32 (B, T), each in [0, V)
   * @param tokenTable (V, C)
   * @param positionTable (≥ offset + T, C), or null for none
   * @param offset I32 (1), the position of the first column, or null for 0
   */
  public final void embedding(
      Tensor out, Tensor tokens, CompactWeight tokenTable, Tensor positionTable, Tensor offset) {
    String op = "compactEmbedding";
    present(op, "tokenTable (V, C)", tokenTable);
    Tensor values = tokenTable.values();
    EmbeddingOp.check(
        op, dtype(), "out (B, T, C)", out, tokens, "tokenTable (V, C)", values, positionTable);
    if (offset != null) {
      scalar(op, "offset (1)", offset, DType.I32);
    }

    begin();
    runEmbedding(out, tokens, tokenTable, positionTable, offset);
    if (end()) {
      moved(op, out, out);
    }
  }

  /**
   * Rounds rows of a matrix to what {@code weight} can hold.
   *
   * @param weight (OC, IC); its rows {@code firstRow} … {@code firstRow} + N − 1 are written
   * @param rows F32 (N, IC), native memory of the host
   */
  public final void store(CompactWeight weight, int firstRow, MemorySegment rows) {
    String op = "compactStore";
    present(op, "weight (OC, IC)", weight);
    present(op, "rows (N, IC)", rows);
    int columns = weight.shape().dim(1);
    long count = rows.byteSize() / Float.BYTES / columns;
    require(
        op,
        rows.isNative() && count * columns * Float.BYTES == rows.byteSize(),
        "rows must be native memory of whole rows of %d singles, not %d bytes"
            .formatted(columns, rows.byteSize()));
    require(
        op,
        firstRow >= 0 && firstRow + count <= weight.shape().dim(0),
        "rows %d to %d are not all in weight (OC, IC) = %s"
            .formatted(firstRow, firstRow + count - 1, weight));
    runStore(weight, firstRow, (int) count, rows);
  }

  /** {@link #linear} with checked arguments. */
  protected abstract void runLinear(
      Tensor out, Tensor in, CompactWeight weight, Tensor bias, Activation activation);

  /** {@link #embedding} with checked arguments. */
  protected abstract void runEmbedding(
      Tensor out, Tensor tokens, CompactWeight tokenTable, Tensor positionTable, Tensor offset);

  /** {@link #store} of {@code count} rows, with checked arguments. */
  protected abstract void runStore(
      CompactWeight weight, int firstRow, int count, MemorySegment rows);
}
