package dev.culebra.backend.cpu;

import dev.culebra.backend.Activation;
import dev.culebra.backend.LinearOp;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Linear layer: out (N, OC) = in (N, IC) · weight (OC, IC)ᵀ + bias (OC), and an activation. All
 * three products of a step use {@link Gemm}; for a few rows, as in a decoding step, which is bound
 * by reading the weights, dot products are used.
 */
final class LinearCpu extends LinearOp {
  /** Up to this many rows, packing the weights costs more than reading them once per row. */
  private static final int MAX_DOT_ROWS = 8;

  private final Gemm gemm;
  private final LinearDots dots;
  private final RowKernel kernels;
  private final ActivationCpu activations;
  private final GemmOperand left = new GemmOperand();
  private final GemmOperand right = new GemmOperand();
  private final Gemm.Epilogue activate = this::activate;

  private MemorySegment activated;
  private MemorySegment preActivated;
  private Activation activation;
  private int outColumns;

  LinearCpu(OpContext context, WorkerPool pool, CpuKernels kernels, ActivationCpu activations) {
    super(context);
    this.activations = activations;
    this.kernels = kernels.rows();
    gemm = new Gemm(pool, kernels.gemm());
    dots = new LinearDots(pool, kernels.gemm());
  }

  @Override
  protected void runForward(
      Tensor out,
      Tensor preActivation,
      Tensor in,
      Tensor weight,
      Tensor bias,
      Activation activation) {
    int n = in.shape().rows();
    int oc = weight.shape().dim(0);
    int ic = weight.shape().dim(1);
    Tensor linear = preActivation == null ? out : preActivation;
    long to = RawMemory.address(linear);
    long from = RawMemory.address(in);
    long weights = RawMemory.address(weight);
    long biases = bias == null ? 0 : RawMemory.address(bias);
    this.activated = out.segment();
    this.preActivated = linear.segment();
    this.activation = activation;
    this.outColumns = oc;
    boolean plain = activation == Activation.IDENTITY && linear == out;
    if (n <= MAX_DOT_ROWS) {
      dots.multiply(to, from, weights, biases, n, oc, ic);
      if (!plain) {
        activate(0, n, 0, oc);
      }
      return;
    }
    left.depthInner(from, ic);
    right.depthInner(weights, ic);
    gemm.multiply(to, left, right, n, oc, ic, biases, plain ? null : activate);
  }

  private void activate(int firstRow, int rows, int firstColumn, int columns) {
    for (int r = firstRow; r < firstRow + rows; r++) {
      long offset = 4L * ((long) r * outColumns + firstColumn);
      kernels.activationForward(activated, offset, preActivated, offset, columns, activation);
    }
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
