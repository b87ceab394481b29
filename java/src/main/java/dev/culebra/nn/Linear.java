package dev.culebra.nn;

import static dev.culebra.nn.Parameter.gradientOf;

import dev.culebra.backend.Activation;
import dev.culebra.backend.Planner;
import dev.culebra.tensor.Tensor;

/** y = activation(x · Wᵀ + b), x (B, T, in), W (out, in), y (B, T, out). */
public final class Linear extends Module {
  private final int inputs;
  private final int outputs;
  private final Parameter weight;
  private final Parameter bias;
  private final Activation activation;
  private Tensor in;
  private Tensor preActivation;
  private Tensor out;
  private Tensor dIn;
  private boolean restoresOutput;

  /** Without an activation, initialised as in GPT-2. */
  public Linear(int inputs, int outputs, boolean bias) {
    this(inputs, outputs, bias, Activation.IDENTITY, Init.GPT2);
  }

  /** With {@code activation} applied in the epilogue of the matrix product. */
  public Linear(int inputs, int outputs, boolean bias, Activation activation, Init init) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.activation = activation;
    this.weight = parameter("weight", init, outputs, inputs);
    this.bias = bias ? parameter("bias", Init.ZEROS, outputs) : null;
  }

  @Override
  public void plan(Planner planner, int batch, int time) {
    plan(planner, batch, time, false);
  }

  /**
   * A plan that does not keep the output of an activation if {@code restorable}: {@link
   * #restoreOutput} must then be called before it is read in the backward pass.
   */
  void plan(Planner planner, int batch, int time, boolean restorable) {
    boolean activated = activation != Activation.IDENTITY;
    preActivation =
        activated && planner.training() ? planner.activation(batch, time, outputs) : null;
    restoresOutput = restorable && preActivation != null;
    out =
        restoresOutput
            ? planner.scratch(preActivation.dtype(), batch, time, outputs)
            : planner.activation(batch, time, outputs);
    dIn = planner.training() ? planner.gradient(batch, time, inputs) : null;
  }

  /** (B, T, in) → (B, T, out). */
  public Tensor forward(Tensor in) {
    this.in = in;
    multiply(out, preActivation, in, weight, bias, activation);
    return out;
  }

  /** What {@link #forward} writes to and returns. */
  Tensor output() {
    return out;
  }

  /** Recomputes the output if it was not kept. */
  void restoreOutput() {
    if (restoresOutput) {
      ops().activation().forward(out, preActivation, activation);
    }
  }

  /** The gradient of the input; {@code dOut} is overwritten if there is an activation. */
  public Tensor backward(Tensor dOut) {
    return backward(dOut, true);
  }

  /**
   * The same; without {@code biasToo} the caller must add the column sums of {@code dOut} to {@link
   * #biasGradient}.
   */
  Tensor backward(Tensor dOut, boolean biasToo) {
    if (activation != Activation.IDENTITY) {
      ops().activation().backward(dOut, dOut, preActivation, activation);
    }
    return backwardOfPreActivation(dOut, biasToo);
  }

  /** {@link #backward} if {@code dPreActivation} is already the gradient of the pre-activation. */
  Tensor backwardOfPreActivation(Tensor dPreActivation) {
    return backwardOfPreActivation(dPreActivation, true);
  }

  private Tensor backwardOfPreActivation(Tensor dPreActivation, boolean biasToo) {
    return backward(dPreActivation, biasToo, null, Activation.IDENTITY);
  }

  /**
   * {@link #backward} of a layer without an activation whose input is the output of {@code before}:
   * the gradient of that layer's pre-activation, for its {@link #backwardOfPreActivation}.
   */
  Tensor backwardThrough(Linear before, Tensor dOut, boolean biasToo) {
    return backward(dOut, biasToo, before.preActivation, before.activation);
  }

  private Tensor backward(
      Tensor dPreActivation, boolean biasToo, Tensor inPreActivation, Activation inActivation) {
    ops()
        .linear()
        .backward(
            dIn,
            weight.gradient(),
            biasToo ? biasGradient() : null,
            dPreActivation,
            in,
            weight.value(),
            inPreActivation,
            inActivation);
    return dIn;
  }

  /** (out), or null without a bias. */
  Tensor biasGradient() {
    return gradientOf(bias);
  }

  /** (out, in). */
  public Parameter weight() {
    return weight;
  }
}
