package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.alike;
import static dev.culebra.backend.TensorChecks.clipping;
import static dev.culebra.backend.TensorChecks.copiedWeights;
import static dev.culebra.backend.TensorChecks.present;
import static dev.culebra.backend.TensorChecks.same;
import static dev.culebra.backend.TensorChecks.typed;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** The parts of a step of Muon, an optimizer for matrices. */
public abstract class MuonOp extends Op {
  /** With the {@code context} of its backend. */
  protected MuonOp(OpContext context) {
    super(context);
  }

  /**
   * Nesterov momentum of Muon (Jordan et al., 2024), where g is the clipped gradient:
   *
   * <pre>
   *   momentum = μ · momentum + (1 − μ) · g;  direction = μ · momentum + (1 − μ) · g
   * </pre>
   *
   * @param direction of the backend's dtype, =
   * @param momentum F32, updated
   * @param gradients F32, only read
   * @param gradientNorm (1), from {@link NormOp#compute}; null if {@code maxNorm} is 0
   * @param mu μ
   * @param maxNorm gradients are scaled by min(1, maxNorm / norm); 0 turns clipping off
   */
  public final void momentum(
      Tensor direction,
      Tensor momentum,
      Tensor gradients,
      Tensor gradientNorm,
      float mu,
      float maxNorm) {
    String op = "muonMomentum";
    typed(op, "gradients", gradients, DType.F32);
    same(op, "momentum", momentum, "gradients", gradients);
    typed(op, "direction", direction, dtype());
    alike(op, "direction", direction, "gradients", gradients);
    clipping(op, gradientNorm, maxNorm);

    begin();
    runMomentum(direction, momentum, gradients, gradientNorm, mu, maxNorm);
    if (end()) {
      moved(op, direction, momentum, momentum, gradients, gradientNorm);
    }
  }

  /**
   * Makes matrices nearly orthogonal: a matrix with singular value decomposition U S Vᵀ becomes
   * about U Vᵀ. Takes five Newton–Schulz steps from X = matrix / (‖matrix‖ + 1e-7), on the side of
   * the smaller dimension n:
   *
   * <pre>
   *   A = X Xᵀ;  P = 3.4445 I − 4.775 A + 2.0315 A²;  X = P X
   * </pre>
   *
   * which bring singular values above about 0.01 to between 0.7 and 1.2 (Jordan et al., 2024). In
   * BF16 each X, A, A² and P may be rounded when it is stored, as in Jordan's own program: this
   * changes X by about 2 % and leaves the singular values in their range. A device may use scratch
   * memory for L · (R · C + 2 n²) elements.
   *
   * @param matrices (L, R, C), in place
   */
  public final void orthogonalise(Tensor matrices) {
    String op = "orthogonalise";
    typed(op, "matrices (L, R, C)", matrices, dtype(), 3);

    begin();
    runOrthogonalise(matrices);
    if (end()) {
      called(op, matrices.shape(), newtonSchulz(matrices), 0);
    }
  }

  /**
   * A step of Muon: value = value · (1 − rate · decay) − rate · 0.2 · √max(R, C) · direction. With
   * that factor a step is as large as one of AdamW (Liu et al., "Muon is scalable for LLM
   * training", 2025, section 2.2).
   *
   * @param weights BF16 (R, C), written with stochastic rounding as {@link AdamWOp#update} does;
   *     null on an F32 backend
   * @param values F32 (R, C), updated
   * @param direction (R, C), from {@link #orthogonalise}
   */
  public final void update(Tensor weights, Tensor values, Tensor direction, MuonStep step) {
    String op = "muonUpdate";
    present(op, "step", step);
    typed(op, "values (R, C)", values, DType.F32, 2);
    typed(op, "direction (R, C)", direction, dtype(), 2);
    alike(op, "direction (R, C)", direction, "values (R, C)", values);
    copiedWeights(op, dtype(), weights, values);

    begin();
    runUpdate(weights, values, direction, step);
    if (end()) {
      moved(op, weights, values, values, direction);
    }
  }

  /** FLOPs of five steps: X Xᵀ, its square and a product with X, where n is the smaller side. */
  private static double newtonSchulz(Tensor matrices) {
    double n = Math.min(matrices.shape().dim(1), matrices.shape().dim(2));
    double m = Math.max(matrices.shape().dim(1), matrices.shape().dim(2));
    return matrices.shape().dim(0) * 5 * 2 * (2 * n * n * m + n * n * n);
  }

  /** {@link #momentum} with checked arguments. */
  protected abstract void runMomentum(
      Tensor direction,
      Tensor momentum,
      Tensor gradients,
      Tensor gradientNorm,
      float mu,
      float maxNorm);

  /** {@link #orthogonalise} with checked arguments. */
  protected abstract void runOrthogonalise(Tensor matrices);

  /** {@link #update} with checked arguments. */
  protected abstract void runUpdate(Tensor weights, Tensor values, Tensor direction, MuonStep step);
}
