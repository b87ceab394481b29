package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.clipping;
import static dev.culebra.backend.TensorChecks.copiedWeights;
import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.require;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.vector;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** The AdamW optimizer: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019). */
public abstract class AdamWOp extends Op {
  /** With the {@code context} of its backend. */
  protected AdamWOp(OpContext context) {
    super(context);
  }

  /**
   * One AdamW step over flat buffers of equal size. The first {@code decayed} elements decay, the
   * rest do not.
   *
   * <p>Stochastic rounding: weight e is the upper half of the bits of value e plus 16 random bits,
   * so that the expected weight is the value. These bits are the lower half of word e % 4 of Philox
   * with counter (e / 4, 0x41444D57, step, e / 4 · 2⁻³²) and key (seed low, seed high) of {@code
   * step}.
   *
   * @param weights BF16 copy of the values that operations read, written with stochastic rounding;
   *     null on an F32 backend
   * @param values parameters, updated
   * @param gradients only read
   * @param firstMoment updated
   * @param secondMoment updated
   * @param gradientNorm (1), from {@link NormOp#compute}; null if {@code maxNorm} is 0
   */
  public final void update(
      Tensor weights,
      Tensor values,
      Tensor gradients,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor gradientNorm,
      long decayed,
      AdamWStep step) {
    String op = "adamW";
    typed(op, "values", values, DType.F32);
    copiedWeights(op, dtype(), weights, values);
    vector(op, "gradients", gradients, DType.F32, values.elements(), "values", values);
    vector(op, "firstMoment", firstMoment, DType.F32, values.elements(), "values", values);
    vector(op, "secondMoment", secondMoment, DType.F32, values.elements(), "values", values);
    present(op, "step", step);
    require(op, step.step() >= 1, "step must be at least 1");
    clipping(op, gradientNorm, step.maxNorm());
    if (decayed < 0 || decayed > values.elements()) {
      throw new IllegalArgumentException(
          "%s: decayed %d does not fit values = %s".formatted(op, decayed, values));
    }

    begin();
    runUpdate(weights, values, gradients, firstMoment, secondMoment, gradientNorm, decayed, step);
    if (end()) {
      moved(
          op,
          weights,
          values,
          values,
          gradients,
          firstMoment,
          firstMoment,
          secondMoment,
          secondMoment,
          gradientNorm);
    }
  }

  /** {@link #update} with checked arguments. */
  protected abstract void runUpdate(
      Tensor weights,
      Tensor values,
      Tensor gradients,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor gradientNorm,
      long decayed,
      AdamWStep step);
}
