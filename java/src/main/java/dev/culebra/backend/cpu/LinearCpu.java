package dev.culebra.backend.cpu;

import dev.culebra.backend.Activation;
import dev.culebra.backend.LinearOp;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;

/**
 * Linear layer: out (N, OC) = in (N, IC) · weight (OC, IC)ᵀ + bias (OC), and an activation, by
 * {@link LinearForward}; the two products of the backward pass use {@link Gemm}.
 */
final class LinearCpu extends LinearOp {
  private final LinearForward forward;
  private final WeightRows weights;
  private final Gemm gemm;
  private final ActivationCpu activations;
  private final GemmOperand left = new GemmOperand();
  private final GemmOperand right = new GemmOperand();

  LinearCpu(OpContext context, WorkerPool pool, CpuKernels kernels, ActivationCpu activations) {
    super(context);
    this.activations = activations;
    gemm = new Gemm(pool, kernels.gemm());
    forward = new LinearForward(pool, kernels, gemm);
    weights = new WeightRows(pool, kernels);
  }

  @Override
  protected void runForward(
      Tensor out,
      Tensor preActivation,
      Tensor in,
      Tensor weight,
      Tensor bias,
      Activation activation) {
    weights.set(weight);
    forward.run(out, preActivation, in, weights, bias, activation);
  }

  @Override
  protected void runBackward(
      Tensor dIn,
      Tensor dWeight,
      Tensor dBias,
      Tensor dOut,
      Tensor in,
      Tensor weight,
      Tensor inPreActivation,
      Activation inActivation) {
    int n = in.shape().rows();
    int oc = weight.shape().dim(0);
    int ic = weight.shape().dim(1);
    long gradient = RawMemory.address(dOut);
    if (dIn != null) {
      left.depthInner(gradient, oc);
      right.depthOuter(RawMemory.address(weight), ic);
      gemm.multiply(RawMemory.address(dIn), left, right, n, ic, oc, 0, null);
    }
    left.depthOuter(gradient, oc);
    right.depthOuter(RawMemory.address(in), ic);
    long biasGradient = dBias == null ? 0 : RawMemory.address(dBias);
    gemm.multiplyAdd(RawMemory.address(dWeight), biasGradient, left, right, oc, ic, n);
    if (dIn != null && inPreActivation != null) {
      activations.runBackward(dIn, dIn, inPreActivation, inActivation);
    }
  }

  /** dBias (C) += column sums of dOut (N, C), with the bits of the backward pass. */
  void addBiasGradient(Tensor dBias, Tensor dOut) {
    int oc = dOut.shape().dim(-1);
    left.depthOuter(RawMemory.address(dOut), oc);
    gemm.addRowSums(RawMemory.address(dBias), left, oc, dOut.shape().rows());
  }
}
