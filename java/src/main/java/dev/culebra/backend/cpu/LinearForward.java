package dev.culebra.backend.cpu;

import dev.culebra.backend.Activation;
import dev.culebra.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * The forward pass of a linear layer, whatever the format of its weights: {@link Gemm}, or dot
 * products for a few rows, as in a decoding step, which is bound by reading the weights. A row's
 * result does not depend on the others, nor on how many of them there are up to {@link
 * #MAX_DOT_ROWS}. A call allocates nothing. One thread at a time.
 */
final class LinearForward {
  /** Up to this many rows, packing the weights costs more than reading them once per row. */
  static final int MAX_DOT_ROWS = 8;

  /** Bytes of the weights in one part of the work. */
  private static final int PART = 128 << 10;

  private final WorkerPool pool;
  private final RowKernel kernels;
  private final Gemm gemm;
  private final GemmOperand left = new GemmOperand();
  private final GemmOperand right = new GemmOperand();
  private final WorkerPool.Task multiplyPart = this::multiplyPart;
  private final Gemm.Epilogue activate = this::activate;

  private WeightRows weights;
  private MemorySegment activated;
  private MemorySegment preActivated;
  private Activation activation;
  private boolean plain;
  private long to;
  private long in;
  private long bias;
  private int n;
  private int outputs;
  private int inputs;
  private int outputsPerPart;

  LinearForward(WorkerPool pool, CpuKernels kernels, Gemm gemm) {
    this.pool = pool;
    this.kernels = kernels.rows();
    this.gemm = gemm;
  }

  /** Checked arguments of {@link dev.culebra.backend.LinearOp#forward}. */
  void run(
      Tensor out,
      Tensor preActivation,
      Tensor in,
      WeightRows weights,
      Tensor bias,
      Activation activation) {
    Tensor linear = preActivation == null ? out : preActivation;
    this.weights = weights;
    this.activated = out.segment();
    this.preActivated = linear.segment();
    this.activation = activation;
    this.to = RawMemory.address(linear);
    this.in = RawMemory.address(in);
    this.bias = bias == null ? 0 : RawMemory.address(bias);
    plain = activation == Activation.IDENTITY && linear == out;
    n = in.shape().rows();
    outputs = weights.rows();
    inputs = weights.columns();
    if (n <= MAX_DOT_ROWS) {
      outputsPerPart = Math.max(1, PART / weights.rowBytes());
      pool.run(multiplyPart, Math.ceilDiv(outputs, outputsPerPart));
    } else {
      left.depthInner(this.in, inputs);
      weights.place(right);
      gemm.multiply(to, left, right, n, outputs, inputs, this.bias, plain ? null : activate);
    }
  }

  private void multiplyPart(int part) {
    int first = part * outputsPerPart;
    int count = Math.min(outputsPerPart, outputs - first);
    long at = to + 4L * first;
    weights.dots(at, 4L * outputs, in, n, first, count);
    if (bias != 0) {
      for (int r = 0; r < n; r++) {
        long row = at + 4L * r * outputs;
        kernels.add(row, row, bias + 4L * first, count);
      }
    }
    if (!plain) {
      activate(0, n, first, count);
    }
  }

  private void activate(int firstRow, int rows, int firstColumn, int columns) {
    for (int r = firstRow; r < firstRow + rows; r++) {
      long offset = 4L * ((long) r * outputs + firstColumn);
      kernels.activationForward(activated, offset, preActivated, offset, columns, activation);
    }
  }
}
