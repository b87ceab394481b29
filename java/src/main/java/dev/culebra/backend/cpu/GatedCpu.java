package dev.culebra.backend.cpu;

import dev.culebra.backend.Activation;
import dev.culebra.backend.GatedOp;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;

/**
 * Products of the activated first half of the columns and the second half. One thread at a time.
 */
final class GatedCpu extends GatedOp {
  /** Floats of {@code in} per part of the rows. */
  private static final int PART = 16 * 1024;

  private final WorkerPool pool;
  private final RowKernel kernels;
  private final WorkerPool.Task forwardRows = this::forwardRows;
  private final WorkerPool.Task backwardRows = this::backwardRows;
  private long out;
  private long dIn;
  private long in;
  private Activation activation;
  private int n;
  private int h;
  private int rowsPerPart;

  GatedCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
  }

  @Override
  protected void runForward(Tensor out, Tensor in, Activation activation) {
    set(out, in, activation);
    pool.run(forwardRows, Math.ceilDiv(n, rowsPerPart));
  }

  @Override
  protected void runBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation) {
    set(dOut, in, activation);
    this.dIn = RawMemory.address(dIn);
    pool.run(backwardRows, Math.ceilDiv(n, rowsPerPart));
  }

  private void set(Tensor out, Tensor in, Activation activation) {
    this.out = RawMemory.address(out);
    this.in = RawMemory.address(in);
    this.activation = activation;
    n = out.shape().rows();
    h = out.shape().dim(-1);
    rowsPerPart = Math.max(1, PART / (2 * h));
  }

  private int end(int part) {
    return Math.min(n, (part + 1) * rowsPerPart);
  }

  private void forwardRows(int part) {
    for (int r = part * rowsPerPart; r < end(part); r++) {
      long to = out + 4L * h * r;
      long gate = in + 8L * h * r;
      kernels.activationForward(to, gate, h, activation);
      kernels.product(to, to, gate + 4L * h, h);
    }
  }

  private void backwardRows(int part) {
    for (int r = part * rowsPerPart; r < end(part); r++) {
      long dOut = out + 4L * h * r;
      long gate = in + 8L * h * r;
      long dGate = dIn + 8L * h * r;
      long dUp = dGate + 4L * h;
      kernels.activationForward(dUp, gate, h, activation);
      kernels.product(dUp, dUp, dOut, h);
      kernels.product(dGate, dOut, gate + 4L * h, h);
      kernels.activationBackward(dGate, dGate, gate, h, activation);
    }
  }
}
