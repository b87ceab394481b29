package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.headsDivide;
import static dev.culebra.backend.TensorChecks.rows;
import static dev.culebra.backend.TensorChecks.scalar;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.width;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Attention of one new token per sequence to cached keys and values, and filling the cache. */
public abstract class AttentionDecodeOp extends Op {
  /** With the {@code context} of its backend. */
  protected AttentionDecodeOp(OpContext context) {
    super(context);
  }

  /**
   * Stores the K and V columns of {@code qkv} in the caches at positions 0 … T − 1. If the caches
   * have fewer heads, their number must divide {@code heads}, and they store the first head of each
   * group of equal heads.
   *
   * @param keys (B, capacity, kvHeads · D), capacity ≥ T
   * @param values as {@code keys}
   * @param qkv (B, T, 3C)
   * @param heads of {@code qkv}, D = C / heads
   */
  public final void cacheKeysValues(Tensor keys, Tensor values, Tensor qkv, int heads) {
    String op = "cacheKeysValues";
    typed(op, "qkv (B, T, 3C)", qkv, dtype(), 3);
    caches(op, keys, values, qkv.shape().dim(0), heads, "qkv (B, T, 3C)", qkv);
    boolean roomy = keys.shape().dim(1) >= qkv.shape().dim(1);
    fit(op, roomy, "keys (B, capacity ≥ T, kvHeads · D)", keys, "qkv (B, T, 3C)", qkv);

    begin();
    runCacheKeysValues(keys, values, qkv, heads);
    if (end()) {
      moved(op, keys, values, qkv);
    }
  }

  /**
   * One token of causal attention: stores its K and V at {@code position} mod capacity in the
   * caches and attends to the last min({@code position} + 1, capacity) tokens, itself among them.
   *
   * @param out (B, C)
   * @param keys (B, capacity, kvHeads · D), as {@link #cacheKeysValues} fills them
   * @param values as {@code keys}
   * @param qkv (B, 3C), of the new token
   * @param position I32 (1), not negative: how many tokens came before
   * @param heads of {@code qkv}, D = C / heads
   */
  public final void forward(
      Tensor out, Tensor keys, Tensor values, Tensor qkv, Tensor position, int heads) {
    String op = "attentionDecode";
    typed(op, "qkv (B, 3C)", qkv, dtype());
    typed(op, "out (B, C)", out, dtype());
    boolean fits = rows(out) == rows(qkv) && 3L * width(out) == width(qkv);
    fit(op, fits, "out (B, C)", out, "qkv (B, 3C)", qkv);
    headsDivide(op, heads, "out (B, C)", out);
    caches(op, keys, values, rows(qkv), heads, "qkv (B, 3C)", qkv);
    scalar(op, "position (1)", position, DType.I32);

    begin();
    runForward(out, keys, values, qkv, position, heads);
    if (end()) {
      moved(op, out, keys, values, qkv, position);
    }
  }

  private void caches(
      String op, Tensor keys, Tensor values, long batch, int heads, String qkvName, Tensor qkv) {
    String keysName = "keys (B, capacity, kvHeads · D)";
    typed(op, keysName, keys, dtype(), 3);
    typed(op, "values (B, capacity, kvHeads · D)", values, dtype(), 3);
    boolean whole = heads > 0 && width(qkv) % (3 * heads) == 0;
    int size = whole ? width(qkv) / (3 * heads) : 1;
    int kvHeads = width(keys) / size;
    boolean fits =
        whole
            && keys.shape().dim(0) == batch
            && kvHeads * size == width(keys)
            && kvHeads > 0
            && heads % kvHeads == 0;
    fit(op, fits, keysName, keys, qkvName, qkv);
    boolean equal = keys.shape().equals(values.shape());
    fit(op, equal, "values (B, capacity, kvHeads · D)", values, keysName, keys);
  }

  /** {@link #cacheKeysValues} with checked arguments. */
  protected abstract void runCacheKeysValues(Tensor keys, Tensor values, Tensor qkv, int heads);

  /** {@link #forward} with checked arguments. */
  protected abstract void runForward(
      Tensor out, Tensor keys, Tensor values, Tensor qkv, Tensor position, int heads);
}
