package dev.culebra.backend.cpu;

import dev.culebra.backend.OpContext;
import dev.culebra.tensor.DType;

/** Linear layers alone, with plain loops except for the products. */
final class LinearLayers {
  private LinearLayers() {}

  static LinearCpu with(GemmKernel products, WorkerPool pool) {
    OpContext context = new OpContext(DType.F32);
    CpuKernels kernels =
        new CpuKernels(
            new ScalarRowKernel(),
            products,
            new ScalarAttentionKernel(),
            new ScalarCompactKernel(),
            null);
    ActivationCpu activations = new ActivationCpu(context, pool, kernels);
    return new LinearCpu(context, pool, kernels, activations);
  }
}
