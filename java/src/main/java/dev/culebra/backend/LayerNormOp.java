package dev.culebra.backend;

import static dev.culebra.backend.TensorChecks.require;
import static dev.culebra.backend.TensorChecks.rows;
import static dev.culebra.backend.TensorChecks.same;
import static dev.culebra.backend.TensorChecks.typed;
import static dev.culebra.backend.TensorChecks.vector;
import static dev.culebra.backend.TensorChecks.vectorOrNull;
import static dev.culebra.backend.TensorChecks.width;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/** Layernorm and RMSNorm, alone or fused with the residual sum before it. */
public abstract class LayerNormOp extends Op {
  /** The ε of most models. */
  public static final float USUAL_EPSILON = 1e-5f;

  /** With the {@code context} of its backend. */
  protected LayerNormOp(OpContext context) {
    super(context);
  }

  /**
   * out = (in − mean) · rstd · weight + bias for each row: Ba, Kiros, Hinton, "Layer normalization"
   * (2016), biased variance. If {@code mean} is null, rows are not centred: out = in · rstd ·
   * weight + bias with rstd = 1 / √(mean of in² + ε): Zhang and Sennrich, "Root mean square layer
   * normalization" (2019). This holds for all four operations.
   *
   * @param out (N, C); may be {@code in}
   * @param mean (N), saved for backward, or null
   * @param rstd (N), 1 / √(variance + ε), saved for backward
   * @param in (N, C)
   * @param weight (C)
   * @param bias (C) or null
   * @param epsilon ε, above 0
   */
  public final void forward(
      Tensor out, Tensor mean, Tensor rstd, Tensor in, Tensor weight, Tensor bias, float epsilon) {
    String op = "layerNormForward";
    typed(op, "in (N, C)", in, dtype());
    same(op, "out (N, C)", out, "in (N, C)", in);
    check(op, mean, rstd, weight, "in (N, C)", in);
    vectorOrNull(op, "bias (C)", bias, dtype(), width(in), "in (N, C)", in);
    require(op, epsilon > 0, "epsilon must be above 0");

    begin();
    runForward(out, mean, rstd, in, weight, bias, epsilon);
    if (end()) {
      moved(op, out, mean, rstd, in, weight, bias);
    }
  }

  /**
   * Backward of {@link #forward}.
   *
   * @param dIn (N, C), =; may be {@code dOut}
   * @param dWeight (C), +=
   * @param dBias (C), +=, or null
   * @param dBranchBias (C), += column sums of dIn, or null; see {@link #residualBackward}
   */
  public final void backward(
      Tensor dIn,
      Tensor dWeight,
      Tensor dBias,
      Tensor dBranchBias,
      Tensor dOut,
      Tensor in,
      Tensor mean,
      Tensor rstd,
      Tensor weight) {
    String op = "layerNormBackward";
    typed(op, "in (N, C)", in, dtype());
    same(op, "dIn (N, C)", dIn, "in (N, C)", in);
    same(op, "dOut (N, C)", dOut, "in (N, C)", in);
    check(op, mean, rstd, weight, "in (N, C)", in);
    vector(op, "dWeight (C)", dWeight, DType.F32, width(in), "in (N, C)", in);
    vectorOrNull(op, "dBias (C)", dBias, DType.F32, width(in), "in (N, C)", in);
    vectorOrNull(op, "dBranchBias (C)", dBranchBias, DType.F32, width(in), "in (N, C)", in);

    begin();
    runBackward(dIn, false, dWeight, dBias, dBranchBias, dOut, in, mean, rstd, weight);
    if (end()) {
      moved(
          op,
          dIn,
          dWeight,
          dWeight,
          dBias,
          dBias,
          dBranchBias,
          dBranchBias,
          dOut,
          in,
          mean,
          rstd,
          weight);
    }
  }

  /**
   * sum = stream + branch, then layernorm of the sum.
   *
   * @param out (N, C), layernorm(sum)
   * @param sum (N, C), saved for backward; may be {@code stream}
   * @param stream (N, C), the residual stream so far
   * @param branch (N, C), what a block adds to it
   * @param epsilon ε, above 0
   */
  public final void residualForward(
      Tensor out,
      Tensor sum,
      Tensor mean,
      Tensor rstd,
      Tensor stream,
      Tensor branch,
      Tensor weight,
      Tensor bias,
      float epsilon) {
    String op = "residualLayerNormForward";
    typed(op, "stream (N, C)", stream, dtype());
    same(op, "branch (N, C)", branch, "stream (N, C)", stream);
    same(op, "sum (N, C)", sum, "stream (N, C)", stream);
    same(op, "out (N, C)", out, "stream (N, C)", stream);
    check(op, mean, rstd, weight, "stream (N, C)", stream);
    vectorOrNull(op, "bias (C)", bias, dtype(), width(stream), "stream (N, C)", stream);
    require(op, epsilon > 0, "epsilon must be above 0");

    begin();
    runResidualForward(out, sum, mean, rstd, stream, branch, weight, bias, epsilon);
    if (end()) {
      moved(op, out, sum, mean, rstd, stream, branch, weight, bias);
    }
  }

  /**
   * Backward of {@link #residualForward}: computes the gradient of the sum, which is also that of
   * the stream and of the branch. If the branch is the output of a linear layer, the column sums
   * are the gradient of that layer's bias. They cost less here than in {@link LinearOp#backward},
   * and have the same bits on a CPU.
   *
   * @param dSum (N, C), +=: it already has the gradient from later layers
   * @param dBranchBias (C), += column sums of the final dSum, or null
   * @param sum the saved sum
   */
  public final void residualBackward(
      Tensor dSum,
      Tensor dWeight,
      Tensor dBias,
      Tensor dBranchBias,
      Tensor dOut,
      Tensor sum,
      Tensor mean,
      Tensor rstd,
      Tensor weight) {
    String op = "residualLayerNormBackward";
    typed(op, "sum (N, C)", sum, dtype());
    same(op, "dSum (N, C)", dSum, "sum (N, C)", sum);
    same(op, "dOut (N, C)", dOut, "sum (N, C)", sum);
    check(op, mean, rstd, weight, "sum (N, C)", sum);
    vector(op, "dWeight (C)", dWeight, DType.F32, width(sum), "sum (N, C)", sum);
    vectorOrNull(op, "dBias (C)", dBias, DType.F32, width(sum), "sum (N, C)", sum);
    vectorOrNull(op, "dBranchBias (C)", dBranchBias, DType.F32, width(sum), "sum (N, C)", sum);

    begin();
    runBackward(dSum, true, dWeight, dBias, dBranchBias, dOut, sum, mean, rstd, weight);
    if (end()) {
      moved(
          op,
          dSum,
          dSum,
          dWeight,
          dWeight,
          dBias,
          dBias,
          dBranchBias,
          dBranchBias,
          dOut,
          sum,
          mean,
          rstd,
          weight);
    }
  }

  private void check(String op, Tensor mean, Tensor rstd, Tensor weight, String inName, Tensor in) {
    vectorOrNull(op, "mean (N)", mean, DType.F32, rows(in), inName, in);
    vector(op, "rstd (N)", rstd, DType.F32, rows(in), inName, in);
    vector(op, "weight (C)", weight, dtype(), width(in), inName, in);
  }

  /** {@link #forward} with checked arguments. */
  protected abstract void runForward(
      Tensor out, Tensor mean, Tensor rstd, Tensor in, Tensor weight, Tensor bias, float epsilon);

  /** {@link #residualForward} with checked arguments. */
  protected abstract void runResidualForward(
      Tensor out,
      Tensor sum,
      Tensor mean,
      Tensor rstd,
      Tensor stream,
      Tensor branch,
      Tensor weight,
      Tensor bias,
      float epsilon);

  /**
   * {@link #backward} or {@link #residualBackward}.
   *
   * @param adds whether the gradient is added to {@code dIn}
   */
  protected abstract void runBackward(
      Tensor dIn,
      boolean adds,
      Tensor dWeight,
      Tensor dBias,
      Tensor dBranchBias,
      Tensor dOut,
      Tensor in,
      Tensor mean,
      Tensor rstd,
      Tensor weight);
}
