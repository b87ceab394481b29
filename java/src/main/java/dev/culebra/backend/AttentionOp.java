package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.headsDivide;
import static dev.culebra.backend.TensorChecks.perHead;
import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.rows;
import static dev.culebra.backend.TensorChecks.same;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.width;

import dev.culebra.tensor.Tensor;

/** Scaled dot-product attention over whole sequences. */
public abstract class AttentionOp extends Op {
  /** With the {@code context} of its backend. */
  protected AttentionOp(OpContext context) {
    super(context);
  }

  /**
   * softmax(Q Kᵀ / √D) V for each head, with online softmax: the T × T matrix is never stored (Dao
   * et al., "FlashAttention", 2022). Head h of Q, K, V of row (b, t) are at columns h·D, C + h·D,
   * 2C + h·D of {@code qkv}, D = C / heads.
   *
   * @param out (B, T, C)
   * @param logSumExp (B, heads, T), of the scaled scores, saved for backward
   * @param qkv (B, T, 3C)
   */
  public final void forward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec) {
    String op = "attentionForward";
    present(op, "spec", spec);
    check(op, "out (B, T, C)", out, qkv, spec);
    perHead(op, "logSumExp (B, heads, T)", logSumExp, "qkv (B, T, 3C)", qkv, spec.heads());

    begin();
    runForward(out, logSumExp, qkv, spec);
    if (end()) {
      called(op, out.shape(), 4 * pairs(out, spec), 0);
    }
  }

  /**
   * Backward of {@link #forward}; probabilities are recomputed.
   *
   * @param dQkv (B, T, 3C), =
   * @param delta (B, heads, T), scratch: Σ dOut · out of each row and head
   * @param dOut (B, T, C)
   * @param out (B, T, C), of the forward pass
   */
  public final void backward(
      Tensor dQkv,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      AttentionSpec spec) {
    String op = "attentionBackward";
    present(op, "spec", spec);
    check(op, "out (B, T, C)", out, qkv, spec);
    same(op, "dOut (B, T, C)", dOut, "out (B, T, C)", out);
    same(op, "dQkv (B, T, 3C)", dQkv, "qkv (B, T, 3C)", qkv);
    perHead(op, "delta (B, heads, T)", delta, "qkv (B, T, 3C)", qkv, spec.heads());
    perHead(op, "logSumExp (B, heads, T)", logSumExp, "qkv (B, T, 3C)", qkv, spec.heads());

    begin();
    runBackward(dQkv, delta, dOut, out, logSumExp, qkv, spec);
    if (end()) {
      called(op, dQkv.shape(), 10 * pairs(dOut, spec), 0); // recomputes Q Kᵀ
    }
  }

  private void check(String op, String outName, Tensor out, Tensor qkv, AttentionSpec spec) {
    typed(op, "qkv (B, T, 3C)", qkv, dtype(), 3);
    typed(op, outName, out, dtype());
    boolean fits = rows(out) == rows(qkv) && 3L * width(out) == width(qkv);
    fit(op, fits, outName, out, "qkv (B, T, 3C)", qkv);
    headsDivide(op, spec.heads(), outName, out);
    present(op, "dropout of spec", spec.dropout());
  }

  /** Pairs of tokens that attend, times C. */
  private static double pairs(Tensor out, AttentionSpec spec) {
    long time = out.shape().dim(1);
    return out.elements() * (spec.causal() ? (time + 1) / 2.0 : time);
  }

  /** {@link #forward} with checked arguments. */
  protected abstract void runForward(Tensor out, Tensor logSumExp, Tensor qkv, AttentionSpec spec);

  /** {@link #backward} with checked arguments. */
  protected abstract void runBackward(
      Tensor dQkv,
      Tensor delta,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      AttentionSpec spec);
}
