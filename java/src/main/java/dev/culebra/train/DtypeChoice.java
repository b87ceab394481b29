package dev.culebra.train;

import dev.culebra.tensor.DType;

/** The requested type of activations and weights. */
public enum DtypeChoice {
  /** {@link #BF16} on a GPU, {@link #FP32} on the CPU. */
  AUTO,
  /**
   * bfloat16, with single precision where it matters: master weights, moments, statistics, loss.
   */
  BF16,
  /** Single precision throughout. */
  FP32;

  /** The element type on a GPU. */
  DType onGpu() {
    return this == FP32 ? DType.F32 : DType.BF16;
  }
}
