package dev.culebra.nn;

import dev.culebra.backend.Planner;
import dev.culebra.backend.Recompute;
import dev.culebra.tensor.Tensor;

/**
 * A pre-norm transformer block: x += attention(layernorm(x)); x += mlp(layernorm(x)).
 *
 * <p>Adding a branch to the residual stream and the layernorm after it are one fused operation, so
 * the sums move one step later: a block receives the stream and the previous block's branch, not
 * yet added, and returns its own MLP's output as the branch for the next block.
 */
public final class Block extends Module {
  private final int width;
  private final LayerNorm norm1;
  private final CausalSelfAttention attention;
  private final Dropout dropout1;
  private final LayerNorm norm2;
  private final Mlp mlp;
  private final Dropout dropout2;
  private Tensor sum1;
  private Tensor sum2;
  private Tensor entry;
  private Tensor stream;
  private Tensor dBranch;
  private boolean forwardAgain;

  /** A block of the model described by {@code config}. */
  public Block(GptConfig config) {
    this(config, true);
  }

  /** A block; an encoder block if not {@code causal}. */
  public Block(GptConfig config, boolean causal) {
    width = config.embd();
    norm1 = child("ln_1", norm(config));
    attention = child("attn", new CausalSelfAttention(config, causal));
    dropout1 = child("dropout_1", new Dropout(config.dropout()));
    norm2 = child("ln_2", norm(config));
    mlp = child("mlp", new Mlp(config));
    dropout2 = child("dropout_2", new Dropout(config.dropout()));
  }

  private static LayerNorm norm(GptConfig config) {
    return new LayerNorm(config.embd(), config.bias(), config.norm(), config.normEpsilon());
  }

  @Override
  public void plan(Planner planner, int batch, int time) {
    forwardAgain = planner.recompute() == Recompute.BLOCK;
    if (forwardAgain) {
      planner.computedAgain(() -> planParts(planner, batch, time));
    } else {
      planParts(planner, batch, time);
    }
  }

  private void planParts(Planner planner, int batch, int time) {
    // Without a backward pass the stream is updated in place.
    sum1 = planner.training() ? planner.keepActivation(batch, time, width) : null;
    norm1.planOnStream(planner, batch, time);
    attention.plan(planner, batch, time);
    dropout1.plan(planner, batch, time);
    sum2 = planner.training() ? planner.keepActivation(batch, time, width) : null;
    norm2.planOnStream(planner, batch, time);
    mlp.plan(planner, batch, time);
    dropout2.plan(planner, batch, time);
    dBranch = planner.training() ? planner.gradient(batch, time, width) : null;
  }

  CausalSelfAttention attention() {
    return attention;
  }

  /**
   * Takes the stream (B, T, C) and a branch to add to it, or null; returns this block's branch,
   * which must still be added to {@link #stream()}.
   */
  public Tensor forward(Tensor stream, Tensor branch) {
    if (branch == null) {
      entry = stream;
      return forwardFrom(norm1.forward(stream));
    }
    entry = sum1 == null ? stream : sum1;
    return forwardFrom(norm1.forward(entry, stream, branch));
  }

  /** Continues after the first layernorm. */
  private Tensor forwardFrom(Tensor normed) {
    Tensor attended = dropout1.forward(attention.forward(normed));
    stream = sum2 == null ? entry : sum2;
    return dropout2.forward(mlp.forward(norm2.forward(stream, entry, attended)));
  }

  /** The stream (B, T, C) after the last forward pass, without the returned branch. */
  public Tensor stream() {
    return stream;
  }

  /**
   * Takes the gradient of the stream with this block's branch added, and turns it into the gradient
   * of the stream with the incoming branch added.
   *
   * @param dStream (B, T, C), updated
   */
  public void backward(Tensor dStream) {
    backward(dStream, true, null);
  }

  /**
   * {@link #backward(Tensor)} of a block in a stack, which computes the gradients of the
   * projections' biases on the way. Each is the sum of the rows of a branch's gradient, which
   * without dropout is the stream's gradient. So norm2 computes it for attention, norm1 for the
   * previous block's MLP, and the following norm has computed it for this block's MLP. With
   * dropout, each projection computes its own.
   *
   * @param before the previous block, or null
   */
  void backward(Tensor dStream, Block before) {
    backward(dStream, dropout2.isActive(), before == null ? null : before.branchBiasGradient());
  }

  private void backward(Tensor dStream, boolean branchBiasToo, Tensor dBiasBefore) {
    if (forwardAgain) {
      forwardFrom(norm1.forward(entry));
    }
    boolean attentionBiasToo = dropout1.isActive();
    Tensor dAttentionBias = attentionBiasToo ? null : attention.projectionBiasGradient();
    norm2.backwardIntoStream(
        dStream, dAttentionBias, mlp.backward(branchGradient(dropout2, dStream), branchBiasToo));
    norm1.backwardIntoStream(
        dStream,
        dBiasBefore,
        attention.backward(branchGradient(dropout1, dStream), attentionBiasToo));
  }

  /**
   * The bias gradient to which the rows of the stream's gradient, with this block's branch added,
   * belong; null if there is none.
   */
  Tensor branchBiasGradient() {
    return dropout2.isActive() ? null : mlp.projectionBiasGradient();
  }

  private Tensor branchGradient(Dropout dropout, Tensor dStream) {
    return dropout.isActive() ? dropout.backward(dBranch, dStream) : dStream;
  }
}
