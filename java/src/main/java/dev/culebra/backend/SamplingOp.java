package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.rows;
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

  /** {@link #sample} with checked arguments. */
  protected abstract void runSample(
      Tensor tokens, Tensor logits, int vocab, SamplingSpec spec, RandomKey key);
}
