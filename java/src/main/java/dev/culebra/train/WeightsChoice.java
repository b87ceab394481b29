package dev.culebra.train;

import dev.culebra.backend.CompactWeight;
import java.util.Optional;

/** How a model for inference keeps its matrices and its table of tokens. */
public enum WeightsChoice {
  /** As they are trained: single precision, or on a GPU what {@link DeviceConfig#DTYPE} says. */
  FP32(null),
  /** bfloat16: half the bytes. Only on a CPU. */
  BF16(CompactWeight.Format.BF16),
  /**
   * 8 bits, with a scale for each {@value CompactWeight#BLOCK} weights: 3.8 times fewer bytes. Only
   * on a CPU.
   */
  INT8(CompactWeight.Format.INT8);

  private final CompactWeight.Format format;

  WeightsChoice(CompactWeight.Format format) {
    this.format = format;
  }

  /** Empty for {@link #FP32}. */
  Optional<CompactWeight.Format> format() {
    return Optional.ofNullable(format);
  }
}
