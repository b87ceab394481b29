package dev.culebra.nn;

import dev.culebra.backend.Backend;
import dev.culebra.backend.CompactWeight;
import dev.culebra.backend.Planner;
import dev.culebra.backend.Recompute;
import dev.culebra.tensor.Buffer;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * A network from tokens to logits with its loss: the interface of a model for training, sampling
 * and evaluation.
 *
 * <p>A subclass registers its modules and calls {@link #allocateParameters()}; it plans
 * activations, and computes forward and backward. The logits of a token may depend on it and on
 * earlier tokens, not on later ones. Equal weights, tokens and {@link #setDraw} give equal bits.
 *
 * <p>A training step: {@link #zeroGradients}, then for each micro-batch {@link #load}, {@link
 * #forward}, {@link #backward}; then the optimizer. An evaluation: {@link #zeroLoss}, {@link
 * #load}, {@link #forward}, {@link #loss}. One thread at a time; after {@link #plan} nothing
 * allocates, and only {@link #readLossBlocking} waits for the device.
 */
public abstract class LanguageModel extends Module implements AutoCloseable {
  private final Backend backend;
  private final int vocab;
  private Parameters parameters;
  private boolean ownsParameters;
  private Buffer activations;
  private Tensor tokens;
  private Tensor targets;
  private Tensor losses;
  private Tensor meanLoss;
  private Tensor randomState;
  private Tensor logits;

  /**
   * @param vocab number of tokens; further logits are padding
   */
  protected LanguageModel(Backend backend, int vocab) {
    this.backend = backend;
    this.vocab = vocab;
  }

  /** Must be called at the end of a subclass's constructor, after all children are registered. */
  protected final void allocateParameters() {
    parameters = new Parameters(backend, this);
    ownsParameters = true;
  }

  /** The same for inference alone, with matrices in {@code format}; all weights are 0. */
  protected final void allocateParameters(CompactWeight.Format format) {
    parameters = new Parameters(backend, this, format);
    ownsParameters = true;
  }

  /** {@link #allocateParameters()}, with initial weights drawn from {@code seed}. */
  protected final void allocateParameters(long seed) {
    allocateParameters();
    parameters.initialize(seed);
  }

  /** Replaces {@link #allocateParameters()}: shares another model's parameters. */
  protected final void shareParameters(Parameters shared) {
    shared.bind(this);
    parameters = shared;
  }

  /** Lays out the activations between tokens and logits. */
  protected abstract void planNetwork(Planner planner, int batch, int time);

  /** I32 tokens (B, T) → logits (B, T, ≥ vocab). */
  protected abstract Tensor forward(Tensor tokens);

  /** From the gradient of the logits to those of all parameters. */
  protected abstract void backward(Tensor dLogits);

  /** The longest sequence it can read; {@link Integer#MAX_VALUE} by default. */
  public int context() {
    return Integer.MAX_VALUE;
  }

  /**
   * A second model with the same structure and weights ({@link #shareParameters}) but its own
   * activations, not yet planned: for sampling while this one trains. It must be closed first.
   */
  public abstract LanguageModel shareWeights();

  /**
   * Floating-point operations per token of a training step, as required by the model, not as done
   * by a device. The default is 6 for each weight of a matrix, 2 forward and 4 backward.
   */
  public double flopsOfAToken() {
    return 6.0
        * parameters.list().stream()
            .filter(parameter -> parameter.kind() == Parameter.Kind.MATRIX)
            .mapToLong(parameter -> parameter.shape().elements())
            .sum();
  }

  /** Prepares training and evaluation with B sequences of T tokens; replaces an earlier plan. */
  public final void plan(int batch, int time) {
    plan(batch, time, Recompute.NONE);
  }

  /** The same, with less memory if backward recomputes activations. */
  public final void plan(int batch, int time, Recompute recompute) {
    plan(batch, time, true, recompute);
  }

  /** Prepares only forward passes, with far less memory; replaces an earlier plan. */
  public final void planInference(int batch, int time) {
    plan(batch, time, false, Recompute.NONE);
  }

  private void plan(int batch, int time, boolean training, Recompute recompute) {
    if (time > context()) {
      throw new IllegalArgumentException(
          "%d tokens do not fit into a context of %d".formatted(time, context()));
    }
    releaseActivations();
    if (training) {
      parameters.bindGradients(this);
    }
    activations = Planner.plan(backend, training, recompute, planner -> plan(planner, batch, time));
  }

  @Override
  public final void plan(Planner planner, int batch, int time) {
    randomState = planner.randomState();
    tokens = planner.keep(DType.I32, batch, time);
    targets = planner.keep(DType.I32, batch, time);
    losses = planner.keep(DType.F32, batch, time);
    meanLoss = planner.keep(DType.F32, 1);
    planNetwork(planner, batch, time);
  }

  /** Uploads a batch: I32 (B, T) each; targets may be null if no loss is needed. */
  public final void load(MemorySegment tokens, MemorySegment targets) {
    backend.upload(this.tokens, tokens);
    if (targets != null) {
      backend.upload(this.targets, targets);
    }
  }

  /** Selects the random numbers of the next dropout; equal arguments give equal masks. */
  public final void setDraw(long seed, long draw) {
    backend.upload(
        randomState, new int[] {(int) seed, (int) (seed >>> 32), (int) draw, (int) (draw >>> 32)});
  }

  /** Logits (B, T, ≥ vocab) of the loaded tokens; columns from vocab on are meaningless. */
  public final Tensor forward() {
    logits = forward(tokens);
    return logits;
  }

  /** Adds scale · mean loss of the last forward pass to the accumulated loss. */
  public final void loss(float scale) {
    backend.ops().crossEntropy().forward(losses, meanLoss, logits, targets, vocab, scale);
  }

  /**
   * {@link #loss}, and adds the gradient of scale · mean loss to all parameters' gradients. The
   * logits are overwritten.
   *
   * @param scale 1 / number of micro-batches of the step, if each has the same number of counted
   *     tokens
   */
  public final void backward(float scale) {
    lossAndGradient(scale);
    backward();
  }

  /** {@link #loss}, and overwrites the logits with the gradient of scale · mean loss. */
  public final void lossAndGradient(float scale) {
    backend.ops().crossEntropy().forwardBackward(losses, meanLoss, logits, targets, vocab, scale);
  }

  /** After {@link #lossAndGradient}: adds to all parameters' gradients. */
  public final void backward() {
    backward(logits);
  }

  /** Resets gradients and the accumulated loss. */
  public final void zeroGradients() {
    parameters.zeroGradients();
    zeroLoss();
  }

  /** Resets the accumulated loss. */
  public final void zeroLoss() {
    backend.ops().elementwise().fill(meanLoss, 0);
  }

  /** The loss accumulated since the last reset, in nats per token; waits for the device. */
  public final float readLossBlocking() {
    return backend.readFloatBlocking(meanLoss);
  }

  /** The loaded tokens, I32 (B, T). */
  public final Tensor tokens() {
    return tokens;
  }

  /** The loss of each token of the last batch (B, T), 0 where the target is ignored. */
  public final Tensor losses() {
    return losses;
  }

  /** Number of tokens. */
  public final int vocab() {
    return vocab;
  }

  /** All parameters. */
  public final Parameters parameters() {
    return parameters;
  }

  /** The device. */
  public final Backend backend() {
    return backend;
  }

  private void releaseActivations() {
    if (activations != null) {
      activations.close();
    }
  }

  /** Frees the activations, and the parameters unless they belong to another model. */
  @Override
  public void close() {
    releaseActivations();
    if (ownsParameters) {
      parameters.close();
    }
  }
}
