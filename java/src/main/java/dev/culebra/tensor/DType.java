package dev.culebra.tensor;

/** Element type of a {@link Tensor}. */
public enum DType {
  /** IEEE 754 single precision. */
  F32(4),
  /** bfloat16: the upper half of a single; only GPU backends compute in it. */
  BF16(2),
  /** 32-bit signed integer: tokens, targets, counters. */
  I32(4),
  /** 8-bit signed integer: weights of {@code CompactWeight}, to be multiplied with a scale. */
  I8(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Size of one element in bytes. */
  public int bytes() {
    return bytes;
  }
}
