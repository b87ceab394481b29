package dev.culebra.backend.cpu;

import dev.culebra.backend.OpContext;
import dev.culebra.backend.SoftcapOp;
import dev.culebra.tensor.Tensor;

/** Soft cap of logits. Allocates nothing. One thread at a time. */
final class SoftcapCpu extends SoftcapOp {
  private final WorkerPool pool;
  private final RowKernel kernels;
  private final WorkerPool.Task forwardStretch = this::forwardStretch;
  private final WorkerPool.Task backwardStretch = this::backwardStretch;
  private long out;
  private long dOut;
  private long in;
  private long length;
  private float cap;

  SoftcapCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
  }

  @Override
  protected void runForward(Tensor out, Tensor in, float cap) {
    set(out, in, cap);
    pool.run(forwardStretch, Stretches.count(length));
  }

  @Override
  protected void runBackward(Tensor dIn, Tensor dOut, Tensor in, float cap) {
    set(dIn, in, cap);
    this.dOut = RawMemory.address(dOut);
    pool.run(backwardStretch, Stretches.count(length));
  }

  private void set(Tensor out, Tensor in, float cap) {
    this.out = RawMemory.address(out);
    this.in = RawMemory.address(in);
    this.cap = cap;
    length = in.elements();
  }

  private void forwardStretch(int index) {
    long at = Stretches.offset(index);
    kernels.softcap(out + at, in + at, cap, Stretches.length(index, length));
  }

  private void backwardStretch(int index) {
    long at = Stretches.offset(index);
    kernels.softcapBackward(out + at, dOut + at, in + at, cap, Stretches.length(index, length));
  }
}
