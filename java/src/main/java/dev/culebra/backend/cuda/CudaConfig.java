package dev.culebra.backend.cuda;

import dev.culebra.cuda.Binding;
import dev.culebra.tensor.DType;

/**
 * How to use a GPU.
 *
 * @param device number of the GPU, from 0
 * @param binding how Java calls CUDA
 * @param dtype of activations and weights: {@link DType#BF16} or {@link DType#F32}
 * @param tf32 whether F32 matrix products may round their inputs to TF32; irrelevant for BF16
 * @param kernels which implementations to use
 */
public record CudaConfig(
    int device, Binding binding, DType dtype, boolean tf32, KernelChoice kernels) {
  /** The first GPU, in BF16. */
  public static final CudaConfig DEFAULT = new CudaConfig(0, Binding.AUTO, DType.BF16, false);

  /** The same with the fastest implementations. */
  public CudaConfig(int device, Binding binding, DType dtype, boolean tf32) {
    this(device, binding, dtype, tf32, KernelChoice.AUTO);
  }

  public CudaConfig {
    if (device < 0) {
      throw new IllegalArgumentException("GPUs are counted from 0, not " + device);
    }
    if (dtype == DType.I32) {
      throw new IllegalArgumentException("a GPU computes in F32 or BF16, not in I32");
    }
  }
}
