package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.require;
import static dev.culebra.backend.TensorChecks.rows;
import static dev.culebra.backend.TensorChecks.scalar;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.vector;
import static dev.culebra.backend.TensorChecks.vocabFits;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Softmax and cross-entropy; the gradient can replace the logits. */
public abstract class CrossEntropyOp extends Op {
  /** A target that the loss ignores. */
  public static final int IGNORE = -1;

  /** With the {@code context} of its backend. */
  protected CrossEntropyOp(OpContext context) {
    super(context);
  }

  /**
   * Mean cross-entropy of softmax(logits[0 … vocab)) against the targets that are not {@link
   * #IGNORE}; columns from {@code vocab} on are padding.
   *
   * @param losses (N), = loss of each row, 0 where ignored
   * @param meanLoss (1), += scale · mean over the rows that are not ignored; += 0 if all are
   * @param logits (N, ≥ vocab)
   * @param targets I32 (N), in [0, vocab) or {@link #IGNORE}
   * @param scale 1 / number of batches averaged in {@code meanLoss}
   */
  public final void forward(
      Tensor losses, Tensor meanLoss, Tensor logits, Tensor targets, int vocab, float scale) {
    String op = "crossEntropyForward";
    check(op, losses, meanLoss, logits, targets, vocab, scale);

    begin();
    run(losses, meanLoss, logits, targets, vocab, scale, false);
    if (end()) {
      moved(op, losses, meanLoss, logits, targets);
    }
  }

  /**
   * {@link #forward}, and replaces the logits with the gradient of scale · mean loss, which is 0
   * for padding and ignored rows. Probabilities are never stored.
   */
  public final void forwardBackward(
      Tensor losses, Tensor meanLoss, Tensor logits, Tensor targets, int vocab, float scale) {
    String op = "crossEntropyForwardBackward";
    check(op, losses, meanLoss, logits, targets, vocab, scale);

    begin();
    run(losses, meanLoss, logits, targets, vocab, scale, true);
    if (end()) {
      moved(op, losses, meanLoss, logits, logits, targets);
    }
  }

  private void check(
      String op,
      Tensor losses,
      Tensor meanLoss,
      Tensor logits,
      Tensor targets,
      int vocab,
      float scale) {
    typed(op, "logits (N, ≥ vocab)", logits, dtype());
    vocabFits(op, vocab, logits);
    vector(op, "losses (N)", losses, DType.F32, rows(logits), "logits (N, ≥ vocab)", logits);
    scalar(op, "meanLoss (1)", meanLoss, DType.F32);
    typed(op, "targets (N)", targets, DType.I32);
    boolean fits = targets.elements() == rows(logits);
    fit(op, fits, "targets (N)", targets, "logits (N, ≥ vocab)", logits);
    require(op, Float.isFinite(scale), "scale must be finite");
  }

  /**
   * {@link #forward} or {@link #forwardBackward}.
   *
   * @param backward whether to replace the logits with their gradient
   */
  protected abstract void run(
      Tensor losses,
      Tensor meanLoss,
      Tensor logits,
      Tensor targets,
      int vocab,
      float scale,
      boolean backward);
}
