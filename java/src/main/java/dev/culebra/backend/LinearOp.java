package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.alike;
import static dev.culebra.backend.TensorChecks.fit;
import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.require;
import static dev.culebra.backend.TensorChecks.rows;
import static dev.culebra.backend.TensorChecks.same;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.vectorOrNull;
import static dev.culebra.backend.TensorChecks.width;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** A linear layer, with an activation after or before it: the matrix products of a GPT. */
public abstract class LinearOp extends Op {
  /** With the {@code context} of its backend. */
  protected LinearOp(OpContext context) {
    super(context);
  }

  /**
   * preActivation = in · weightᵀ + bias; out = activation(preActivation).
   *
   * <p>In BF16 the activation may be applied before or after rounding to {@code preActivation}, and
   * the product may or may not be rounded before the bias is added.
   *
   * @param out (N, OC)
   * @param preActivation (N, OC), saved for backward; null with {@link Activation#IDENTITY}, or if
   *     backward never runs
   * @param in (N, IC)
   * @param weight (OC, IC); with few rows, a GPU may read it before the operation before this one
   *     has ended, so it must not be the result of another {@code forward} without anything else in
   *     between
   * @param bias (OC) or null
   */
  public final void forward(
      Tensor out,
      Tensor preActivation,
      Tensor in,
      Tensor weight,
      Tensor bias,
      Activation activation) {
    String op = "linearForward";
    check(op, "out (N, OC)", out, in, weight);
    vectorOrNull(op, "bias (OC)", bias, dtype(), rows(weight), "weight (OC, IC)", weight);
    present(op, "activation", activation);
    if (preActivation != null) {
      same(op, "preActivation (N, OC)", preActivation, "out (N, OC)", out);
      require(
          op,
          activation != Activation.IDENTITY,
          "preActivation must be null if the activation is IDENTITY");
    }

    begin();
    runForward(out, preActivation, in, weight, bias, activation);
    if (end()) {
      multiplied(op, 1, out, weight);
    }
  }

  /**
   * Backward of the linear part: dIn = dOut · weight; dWeight += dOutᵀ · in; dBias += column sums
   * of dOut. If this layer has an activation, call {@link ActivationOp#backward} first.
   *
   * <p>If {@code in} is the output of an activation, its backward can be fused:
   *
   * <pre>dIn = (dOut · weight) ⊙ inActivation′(inPreActivation)</pre>
   *
   * <p>In BF16 the product may or may not be rounded before it is multiplied.
   *
   * @param dIn (N, IC), =, or null if it is not needed
   * @param dWeight (OC, IC), +=
   * @param dBias (OC), +=, or null
   * @param dOut (N, OC)
   * @param in (N, IC)
   * @param weight (OC, IC)
   * @param inPreActivation (N, IC), the input of {@code inActivation}; null for the gradient of
   *     {@code in} itself
   * @param inActivation {@link Activation#IDENTITY} if and only if {@code inPreActivation} is null
   */
  public final void backward(
      Tensor dIn,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor in,
      Tensor weight,
      Tensor inPreActivation,
      Activation inActivation) {
    String op = "linearBackward";
    check(op, "dOut (N, OC)", dOut, in, weight);
    if (dIn != null) {
      same(op, "dIn (N, IC)", dIn, "in (N, IC)", in);
    }
    typed(op, "dWeight (OC, IC)", dWeight, DType.F32, 2);
    alike(op, "dWeight (OC, IC)", dWeight, "weight (OC, IC)", weight);
    vectorOrNull(op, "dBias (OC)", dBias, DType.F32, rows(weight), "weight (OC, IC)", weight);
    present(op, "inActivation", inActivation);
    if (inPreActivation != null) {
      same(op, "inPreActivation (N, IC)", inPreActivation, "in (N, IC)", in);
    }
    require(
        op,
        (inPreActivation == null) == (inActivation == Activation.IDENTITY),
        "inPreActivation must be null if and only if inActivation is IDENTITY");

    begin();
    runBackward(dIn, dWeight, dBias, dOut, in, weight, inPreActivation, inActivation);
    if (end()) {
      multiplied(op, dIn == null ? 1 : 2, dOut, weight);
    }
  }

  private void check(String op, String outName, Tensor out, Tensor in, Tensor weight) {
    typed(op, "in (N, IC)", in, dtype());
    typed(op, "weight (OC, IC)", weight, dtype(), 2);
    typed(op, outName, out, dtype());
    fit(op, width(weight) == width(in), "weight (OC, IC)", weight, "in (N, IC)", in);
    fit(op, rows(out) == rows(in), outName, out, "in (N, IC)", in);
    fit(op, width(out) == rows(weight), outName, out, "weight (OC, IC)", weight);
  }

  /** Reports {@code products} products of the rows of {@code out} with (OC, IC). */
  private void multiplied(String op, int products, Tensor out, Tensor weight) {
    double flops = 2.0 * products * rows(out) * weight.elements();
    called(op, rows(out) + " × " + weight.shape(), flops, 0);
  }

  /** {@link #forward} with checked arguments. */
  protected abstract void runForward(
      Tensor out,
      Tensor preActivation,
      Tensor in,
      Tensor weight,
      Tensor bias,
      Activation activation);

  /** {@link #backward} with checked arguments. */
  protected abstract void runBackward(
      Tensor dIn,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor in,
      Tensor weight,
      Tensor inPreActivation,
      Activation inActivation);
}
