package dev.culebra.backend.cpu;

import dev.culebra.tensor.Tensor;

/** Sum of two tensors, and setting one. Allocates nothing. One thread at a time. */
final class ElementwiseCpu {
  private final WorkerPool pool;
  private final Kernels kernels;
  private final WorkerPool.Task addStretch = this::addStretch;
  private final WorkerPool.Task fillStretch = this::fillStretch;
  private long out;
  private long a;
  private long b;
  private float value;
  private long length;

  ElementwiseCpu(WorkerPool pool, Kernels kernels) {
    this.pool = pool;
    this.kernels = kernels;
  }

  /** See {@link dev.culebra.backend.Ops#add}. */
  void add(Tensor out, Tensor a, Tensor b) {
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

  /** See {@link dev.culebra.backend.Ops#fill}. */
  void fill(Tensor out, float value) {
    this.out = RawMemory.address(out);
    this.value = value;
    length = out.elements();
    pool.run(fillStretch, Stretches.count(length));
  }

  private void fillStretch(int index) {
    kernels.fill(out + Stretches.offset(index), value, Stretches.length(index, length));
  }
}
