package dev.culebra.backend.cpu;

import dev.culebra.backend.NormOp;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.Tensor;

/**
 * √ Σ in², in double precision: first within each {@link Stretches stretch}, then over the
 * stretches in order. Allocates nothing once it has seen the largest tensor. One thread at a time.
 */
final class NormCpu extends NormOp {
  private final WorkerPool pool;
  private final RowKernel kernels;
  private final WorkerPool.Task sumStretch = this::sumStretch;
  private long in;
  private long length;
  private double[] sums = {};

  NormCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
  }

  @Override
  protected void runCompute(Tensor norm, Tensor in) {
    this.in = RawMemory.address(in);
    length = in.elements();
    int stretches = Stretches.count(length);
    if (sums.length < stretches) {
      sums = new double[stretches];
    }
    pool.run(sumStretch, stretches);
    double sum = 0;
    for (int i = 0; i < stretches; i++) {
      sum += sums[i];
    }
    norm.setFloat(0, (float) Math.sqrt(sum));
  }

  private void sumStretch(int index) {
    sums[index] =
        kernels.sumOfSquares(in + Stretches.offset(index), Stretches.length(index, length));
  }
}
