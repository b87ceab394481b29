package dev.culebra.train;

import dev.culebra.tensor.DType;

/** The type of activations and weights that a user asks for. */
public enum DtypeChoice {
  /** {@link #BF16} on a GPU, {@link #FP32} on the processor. */
  AUTO,
  /** bfloat16, with single precision where it matters: masters, moments, statistics, loss. */
  BF16,
  /** Single precision throughout. */
  FP32;

  /** What it means on a GPU. */
  DType onGpu() {
    return this == FP32 ? DType.F32 : DType.BF16;
  }
}
