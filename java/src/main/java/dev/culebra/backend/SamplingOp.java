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
  /** With what it shares with the other operations of its backend. */
  protected SamplingOp(OpContext context) {
    super(context);
  }

  /**
   * Draws one token a row. The order is: temperature, top-k, top-p (on the probabilities that top-k
   * left), one uniform draw u; among equal logits the lower index counts as the more likely. The
   * token drawn is the first eligible one, in order of index, at which the running sum of
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

  /** {@link #sample}, its arguments checked. */
  protected abstract void runSample(
      Tensor tokens, Tensor logits, int vocab, SamplingSpec spec, RandomKey key);
}
