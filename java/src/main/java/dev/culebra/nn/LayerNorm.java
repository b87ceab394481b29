package dev.culebra.nn;

import static dev.culebra.nn.Parameter.gradientOf;
import static dev.culebra.nn.Parameter.valueOf;

import dev.culebra.backend.LayerNormOp;
import dev.culebra.backend.Planner;
import dev.culebra.tensor.Tensor;

/**
 * {@link Normalization} of each row, alone or fused with the addition to the residual stream before
 * it.
 */
public final class LayerNorm extends Module {
  private final int width;
  private final Parameter weight;
  private final Parameter bias;
  private final boolean centred;
  private final float epsilon;
  private Tensor in;
  private Tensor out;
  private Tensor mean;
  private Tensor rstd;
  private Tensor dIn;

  /** Over rows of {@code width}. */
  public LayerNorm(int width, boolean bias) {
    this(width, bias, Normalization.LAYER, LayerNormOp.USUAL_EPSILON);
  }

  /**
   * Over rows of {@code width}.
   *
   * @param bias whether there is one, if {@code kind} is {@link Normalization#LAYER}
   * @param epsilon what is added to the variance or the mean square, above 0
   */
  public LayerNorm(int width, boolean bias, Normalization kind, float epsilon) {
    this.width = width;
    this.epsilon = epsilon;
    this.centred = kind == Normalization.LAYER;
    this.weight = parameter("weight", Init.ONES, width);
    this.bias = bias && centred ? parameter("bias", Init.ZEROS, width) : null;
  }

  @Override
  public void plan(Planner planner, int batch, int time) {
    planOutput(planner, batch, time);
    dIn = planner.training() ? planner.gradient(batch, time, width) : null;
  }

  /** Plans a layernorm on the residual stream, whose gradient is the stream's own tensor. */
  void planOnStream(Planner planner, int batch, int time) {
    planOutput(planner, batch, time);
    dIn = null;
  }

  private void planOutput(Planner planner, int batch, int time) {
    out = planner.activation(batch, time, width);
    mean = centred ? planner.statistics(batch, time) : null;
    rstd = planner.statistics(batch, time);
  }

  /** (B, T, C) → (B, T, C). */
  public Tensor forward(Tensor in) {
    this.in = in;
    ops().layerNorm().forward(out, mean, rstd, in, weight.value(), valueOf(bias), epsilon);
    return out;
  }

  /** The gradient of the input. */
  public Tensor backward(Tensor dOut) {
    ops()
        .layerNorm()
        .backward(
            dIn, weight.gradient(), gradientOf(bias), null, dOut, in, mean, rstd, weight.value());
    return dIn;
  }

  /** sum = stream + branch; layernorm of the sum. */
  Tensor forward(Tensor sum, Tensor stream, Tensor branch) {
    this.in = sum;
    ops()
        .layerNorm()
        .residualForward(
            out, sum, mean, rstd, stream, branch, weight.value(), valueOf(bias), epsilon);
    return out;
  }

  /**
   * Initialises the gradient of the normalised stream: for the last layernorm of a model.
   *
   * @param dBranchBias a bias gradient to which the rows of {@code dStream} are added, or null
   */
  void backwardBeginsStream(Tensor dStream, Tensor dBranchBias, Tensor dOut) {
    ops()
        .layerNorm()
        .backward(
            dStream,
            weight.gradient(),
            gradientOf(bias),
            dBranchBias,
            dOut,
            in,
            mean,
            rstd,
            weight.value());
  }

  /**
   * Adds to the gradient of the normalised stream.
   *
   * @param dBranchBias a bias gradient to which the rows of {@code dStream} are then added, or null
   */
  void backwardIntoStream(Tensor dStream, Tensor dBranchBias, Tensor dOut) {
    ops()
        .layerNorm()
        .residualBackward(
            dStream,
            weight.gradient(),
            gradientOf(bias),
            dBranchBias,
            dOut,
            in,
            mean,
            rstd,
            weight.value());
  }
}
