package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.rows;
import static dev.culebra.backend.TensorChecks.scalar;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.width;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Looks up rows of a table by token, and rows of another by position. */
public abstract class EmbeddingOp extends Op {
  /** With the {@code context} of its backend. */
  protected EmbeddingOp(OpContext context) {
    super(context);
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
  public final void forward(
      Tensor out, Tensor tokens, Tensor tokenTable, Tensor positionTable, Tensor offset) {
    String op = "embeddingForward";
    typed(op, "tokenTable (V, C)", tokenTable, dtype(), 2);
    check(
        op, dtype(), "out (B, T, C)", out, tokens, "tokenTable (V, C)", tokenTable, positionTable);
    if (offset != null) {
      scalar(op, "offset (1)", offset, DType.I32);
    }

    begin();
    runForward(out, tokens, tokenTable, positionTable, offset);
    if (end()) {
      moved(op, out, out);
    }
  }

  /**
   * Backward of {@link #forward} with offset 0: adds to the tables' gradients.
   *
   * @param dTokenTable (V, C), +=
   * @param dPositionTable (≥ T, C), +=, or null
   * @param dOut (B, T, C)
   * @param tokens I32 (B, T)
   */
  public final void backward(
      Tensor dTokenTable, Tensor dPositionTable, Tensor dOut, Tensor tokens) {
    String op = "embeddingBackward";
    typed(op, "dTokenTable (V, C)", dTokenTable, DType.F32, 2);
    check(op, dtype(), "dOut (B, T, C)", dOut, tokens, "dTokenTable (V, C)", dTokenTable);
    if (dPositionTable != null) {
      typed(op, "dPositionTable (≥ T, C)", dPositionTable, DType.F32, 2);
      positions(op, "dPositionTable (≥ T, C)", dPositionTable, tokens, "dOut (B, T, C)", dOut);
    }

    begin();
    runBackward(dTokenTable, dPositionTable, dOut, tokens);
    if (end()) {
      called(op, dTokenTable.shape(), 0, backwardBytes(dTokenTable, dPositionTable, dOut));
    }
  }

  /**
   * The checks of a forward pass, whatever the type of the table of tokens.
   *
   * @param dtype of activations
   */
  static void check(
      String op,
      DType dtype,
      String outName,
      Tensor out,
      Tensor tokens,
      String tableName,
      Tensor table,
      Tensor positionTable) {
    check(op, dtype, outName, out, tokens, tableName, table);
    if (positionTable != null) {
      typed(op, "positionTable (≥ T, C)", positionTable, dtype, 2);
      positions(op, "positionTable (≥ T, C)", positionTable, tokens, outName, out);
    }
  }

  private static void check(
      String op,
      DType dtype,
      String outName,
      Tensor out,
      Tensor tokens,
      String tableName,
      Tensor table) {
    typed(op, "tokens (B, T)", tokens, DType.I32, 2);
    typed(op, outName, out, dtype);
    fit(op, rows(out) == tokens.elements(), outName, out, "tokens (B, T)", tokens);
    fit(op, width(table) == width(out), tableName, table, outName, out);
  }

  private static void positions(
      String op, String name, Tensor table, Tensor tokens, String outName, Tensor out) {
    fit(op, rows(table) >= width(tokens), name, table, "tokens (B, T)", tokens);
    fit(op, width(table) == width(out), name, table, outName, out);
  }

  /** Reads the output's gradient and adds to the tables' rows of these tokens and positions. */
  private static double backwardBytes(Tensor dTokenTable, Tensor dPositionTable, Tensor dOut) {
    double rowBytes = (double) width(dOut) * dTokenTable.dtype().bytes();
    double tokens = Math.min(rows(dTokenTable), rows(dOut));
    double positions = dPositionTable == null ? 0 : dOut.shape().dim(1);
    return dOut.bytes() + 2 * rowBytes * (tokens + positions);
  }

  /** {@link #forward} with checked arguments. */
  protected abstract void runForward(
      Tensor out, Tensor tokens, Tensor tokenTable, Tensor positionTable, Tensor offset);

  /** {@link #backward} with checked arguments. */
  protected abstract void runBackward(
      Tensor dTokenTable, Tensor dPositionTable, Tensor dOut, Tensor tokens);
}
