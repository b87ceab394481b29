package dev.culebra.backend.cpu;

import dev.culebra.backend.Activation;
import dev.culebra.backend.ActivationOp;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;

/** Elementwise nonlinearities. Allocates nothing. One thread at a time. */
final class ActivationCpu extends ActivationOp {
  private final WorkerPool pool;
  private final RowKernel kernels;
  private final WorkerPool.Task forwardStretch = this::forwardStretch;
  private final WorkerPool.Task backwardStretch = this::backwardStretch;
  private long out;
  private long dOut;
  private long in;
  private long length;
  private Activation activation;

  ActivationCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
  }

  @Override
  protected void runForward(Tensor out, Tensor in, Activation activation) {
    this.out = RawMemory.address(out);
    this.in = RawMemory.address(in);
    this.activation = activation;
    length = in.elements();
    pool.run(forwardStretch, Stretches.count(length));
  }

  private void forwardStretch(int index) {
    long at = Stretches.offset(index);
    kernels.activationForward(out + at, in + at, Stretches.length(index, length), activation);
  }

  @Override
  protected void runBackward(Tensor dIn, Tensor dOut, Tensor in, Activation activation) {
    this.out = RawMemory.address(dIn);
    this.dOut = RawMemory.address(dOut);
    this.in = RawMemory.address(in);
    this.activation = activation;
    length = in.elements();
    pool.run(backwardStretch, Stretches.count(length));
  }

  private void backwardStretch(int index) {
    long at = Stretches.offset(index);
    int count = Stretches.length(index, length);
    kernels.activationBackward(out + at, dOut + at, in + at, count, activation);
  }
}
