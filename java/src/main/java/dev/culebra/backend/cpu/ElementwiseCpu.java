package dev.culebra.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.culebra.backend.ElementwiseOp;
import dev.culebra.backend.OpContext;
import dev.culebra.tensor.BFloat16;
import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;

/**
 * Sum of two tensors, constant fill, and type conversion. Allocates nothing. One thread at a time.
 */
final class ElementwiseCpu extends ElementwiseOp {
  private final WorkerPool pool;
  private final RowKernel kernels;
  private final WorkerPool.Task addStretch = this::addStretch;
  private final WorkerPool.Task fillStretch = this::fillStretch;
  private final WorkerPool.Task roundStretch = this::roundStretch;
  private final WorkerPool.Task widenStretch = this::widenStretch;
  private long out;
  private long a;
  private long b;
  private float value;
  private long length;

  ElementwiseCpu(OpContext context, WorkerPool pool, CpuKernels kernels) {
    super(context);
    this.pool = pool;
    this.kernels = kernels.rows();
  }

  @Override
  protected void runAdd(Tensor out, Tensor a, Tensor b) {
    this.out = RawMemory.address(out);
    this.a = RawMemory.address(a);
    this.b = RawMemory.address(b);
    length = out.elements();
    pool.run(addStretch, Stretches.count(length));
  }

  private void addStretch(int index) {
    long at = Stretches.offset(index);
    kernels.add(out + at, a + at, b + at, Stretches.length(index, length));
  }

  @Override
  protected void runFill(Tensor out, float value) {
    this.out = RawMemory.address(out);
    this.value = value;
    length = out.elements();
    pool.run(fillStretch, Stretches.count(length));
  }

  private void fillStretch(int index) {
    kernels.fill(out + Stretches.offset(index), value, Stretches.length(index, length));
  }

  @Override
  protected void runConvert(Tensor out, Tensor in) {
    this.out = RawMemory.address(out);
    this.a = RawMemory.address(in);
    length = out.elements();
    boolean rounds = out.dtype() == DType.BF16;
    pool.run(rounds ? roundStretch : widenStretch, Stretches.count(length));
  }

  private void roundStretch(int index) {
    long first = Stretches.first(index);
    for (long i = first; i < first + Stretches.length(index, length); i++) {
      float value = RawMemory.ALL.get(JAVA_FLOAT_UNALIGNED, RawMemory.safe(a + 4 * i));
      RawMemory.ALL.set(
          JAVA_SHORT_UNALIGNED, RawMemory.safe(out + 2 * i), BFloat16.fromFloat(value));
    }
  }

  private void widenStretch(int index) {
    long first = Stretches.first(index);
    for (long i = first; i < first + Stretches.length(index, length); i++) {
      short bits = RawMemory.ALL.get(JAVA_SHORT_UNALIGNED, RawMemory.safe(a + 2 * i));
      RawMemory.ALL.set(JAVA_FLOAT_UNALIGNED, RawMemory.safe(out + 4 * i), BFloat16.toFloat(bits));
    }
  }
}
