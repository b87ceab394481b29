package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.headsDivide;
import static dev.culebra.backend.TensorChecks.perHead;
import static dev.culebra.backend.TensorChecks.same;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.width;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Attention from one sequence to another, such as from a decoder to an encoder's output. */
public abstract class CrossAttentionOp extends Op {
  /** With the {@code context} of its backend. */
  protected CrossAttentionOp(OpContext context) {
    super(context);
  }

  /**
   * softmax(Q Kᵀ / √D) V for each head, with keys and values of another sequence: Vaswani et al.,
   * "Attention is all you need" (2017). Head h of Q is at columns h·D of {@code queries}, of K and
   * V at columns h·D and C + h·D of {@code keysValues}, D = C / heads. Every query of sequence b
   * sees the first {@code lengths[b]} keys; the rest is padding.
   *
   * @param out (B, T, C)
   * @param logSumExp (B, heads, T), of the scaled scores, saved for backward
   * @param queries (B, T, C)
   * @param keysValues (B, S, 2C)
   * @param lengths I32 (B), each in [1, S], or null for S
   * @param heads number of heads; divides C
   */
  public final void forward(
      Tensor out, Tensor logSumExp, Tensor queries, Tensor keysValues, Tensor lengths, int heads) {
    String op = "crossAttentionForward";
    check(op, out, logSumExp, queries, keysValues, lengths, heads);

    begin();
    runForward(out, logSumExp, queries, keysValues, lengths, heads);
    if (end()) {
      called(op, out.shape(), 4 * pairs(queries, keysValues), 0);
    }
  }

  /**
   * Backward of {@link #forward}; probabilities are recomputed. The gradient of padding is 0.
   *
   * @param dQueries (B, T, C), =
   * @param dKeysValues (B, S, 2C), =
   * @param delta (B, heads, T), scratch: Σ dOut · out of each row and head
   * @param dOut (B, T, C)
   * @param out (B, T, C), of the forward pass
   */
  public final void backward(
      Tensor dQueries,
      Tensor dKeysValues,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor queries,
      Tensor keysValues,
      Tensor lengths,
      int heads) {
    String op = "crossAttentionBackward";
    check(op, out, logSumExp, queries, keysValues, lengths, heads);
    same(op, "dOut (B, T, C)", dOut, "out (B, T, C)", out);
    same(op, "dQueries (B, T, C)", dQueries, "queries (B, T, C)", queries);
    same(op, "dKeysValues (B, S, 2C)", dKeysValues, "keysValues (B, S, 2C)", keysValues);
    perHead(op, "delta (B, heads, T)", delta, "queries (B, T, C)", queries, heads);

    begin();
    runBackward(
        dQueries, dKeysValues, delta, dOut, out, logSumExp, queries, keysValues, lengths, heads);
    if (end()) {
      called(op, dQueries.shape(), 10 * pairs(queries, keysValues), 0); // recomputes Q Kᵀ
    }
  }

  private void check(
      String op,
      Tensor out,
      Tensor logSumExp,
      Tensor queries,
      Tensor keysValues,
      Tensor lengths,
      int heads) {
    String queriesName = "queries (B, T, C)";
    String keysName = "keysValues (B, S, 2C)";
    typed(op, queriesName, queries, dtype(), 3);
    typed(op, keysName, keysValues, dtype(), 3);
    boolean fits =
        keysValues.shape().dim(0) == queries.shape().dim(0)
            && width(keysValues) == 2L * width(queries);
    fit(op, fits, keysName, keysValues, queriesName, queries);
    same(op, "out (B, T, C)", out, queriesName, queries);
    headsDivide(op, heads, "out (B, T, C)", out);
    perHead(op, "logSumExp (B, heads, T)", logSumExp, queriesName, queries, heads);
    if (lengths != null) {
      typed(op, "lengths (B)", lengths, DType.I32);
      boolean all = lengths.elements() == queries.shape().dim(0);
      fit(op, all, "lengths (B)", lengths, queriesName, queries);
    }
  }

  /** Pairs of a query and a key, including padding, times C. */
  private static double pairs(Tensor queries, Tensor keysValues) {
    return (double) queries.elements() * keysValues.shape().dim(1);
  }

  /** {@link #forward} with checked arguments. */
  protected abstract void runForward(
      Tensor out, Tensor logSumExp, Tensor queries, Tensor keysValues, Tensor lengths, int heads);

  /** {@link #backward} with checked arguments. */
  protected abstract void runBackward(
      Tensor dQueries,
      Tensor dKeysValues,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor queries,
      Tensor keysValues,
      Tensor lengths,
      int heads);
}
