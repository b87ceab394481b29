package dev.culebra.backend.cpu;

import dev.culebra.backend.OpContext;
import dev.culebra.tensor.DType;

/** Linear layers by themselves, on plain loops but for the products. */
final class LinearLayers {
  private LinearLayers() {}

  static LinearCpu with(GemmKernel products, WorkerPool pool) {
    OpContext context = new OpContext(DType.F32);
    RowKernel rows = new ScalarRowKernel();
    ActivationCpu activations = new ActivationCpu(context, pool, rows);
    return new LinearCpu(context, pool, rows, products, activations);
  }
}
