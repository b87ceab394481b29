package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.rows;
import static dev.culebra.backend.TensorChecks.scalar;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.vocabFits;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Draws tokens from logits. */
public abstract class SamplingOp extends Op {
  /** With the {@code context} of its backend. */
  protected SamplingOp(OpContext context) {
    super(context);
  }

  /**
   * Draws one token per row. The order is: temperature, top-k, top-p (on the probabilities that
   * remain after top-k), one uniform draw u. Among equal logits the lower index counts as more
   * likely. The result is the first eligible token, in order of index, at which the running sum of
   * probabilities exceeds u. Row n uses element n of the key.
   *
   * @param tokens I32 (N), =
   * @param logits (N, ≥ vocab)
   */
  public final void sample(
      Tensor tokens, Tensor logits, int vocab, SamplingSpec spec, RandomKey key) {
    String op = "sample";
    typed(op, "logits (N, ≥ vocab)", logits, dtype());
    vocabFits(op, vocab, logits);
    typed(op, "tokens (N)", tokens, DType.I32);
    boolean fits = tokens.elements() == rows(logits);
    fit(op, fits, "tokens (N)", tokens, "logits (N, ≥ vocab)", logits);
    present(op, "spec", spec);
    present(op, "key", key);

    begin();
    runSample(tokens, logits, vocab, spec, key);
    if (end()) {
      moved(op, tokens, logits);
    }
  }

  /**
   * Makes a drawn token the next one to be read, and prepares the draw after it, so that a
   * recording of both can be replayed without the host in between:
   *
   * <pre>history[draw mod H] = drawn; token = drawn; position += 1; draw += 1</pre>
   *
   * <p>where {@code draw} is the third word of the key's state.
   *
   * @param history I32 (H), the tokens of the last H draws
   * @param token I32 (1), =
   * @param position I32 (1), of the token, updated
   * @param key its state is updated
   * @param drawn I32 (1)
   */
  public final void advance(
      Tensor history, Tensor token, Tensor position, RandomKey key, Tensor drawn) {
    String op = "advance";
    typed(op, "history (H)", history, DType.I32, 1);
    scalar(op, "token (1)", token, DType.I32);
    scalar(op, "position (1)", position, DType.I32);
    present(op, "key", key);
    scalar(op, "drawn (1)", drawn, DType.I32);

    begin();
    runAdvance(history, token, position, key, drawn);
    if (end()) {
      moved(op, history, token, position, drawn);
    }
  }

  /** {@link #advance} with checked arguments. */
  protected abstract void runAdvance(
      Tensor history, Tensor token, Tensor position, RandomKey key, Tensor drawn);

  /** {@link #sample} with checked arguments. */
  protected abstract void runSample(
      Tensor tokens, Tensor logits, int vocab, SamplingSpec spec, RandomKey key);
}
