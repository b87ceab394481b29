package dev.culebra.bench.oracle;

/**
 * How far two engines may differ that compute in single precision and sum in different orders. One
 * rounding is 2⁻²⁴ = 6e-8; the error of a sum of n terms grows with √n.
 */
enum Tolerance {
  LOGITS("logits", 1e-5, "sums of up to 4C = 3072 products (√3072 · 6e-8 = 3e-6) in each layer"),
  LOSS("loss", 1e-6, "a mean over rows of log-sums, whose errors cancel"),
  GRADIENT(
      "gradient",
      1e-5,
      "like the logits, at twice the depth, and sums over B · T rows that cancel"),
  PADDING("padding", 0, "gradients of rows above the vocabulary are 0 to the bit"),
  STEPS(
      "10 AdamW steps",
      2e-5,
      "AdamW divides by √v: a gradient that is only rounding error moves a weight as far as any other");

  private final String label;
  private final double limit;
  private final String reason;

  Tolerance(String label, double limit, String reason) {
    this.label = label;
    this.limit = limit;
    this.reason = reason;
  }

  String label() {
    return label;
  }

  /** The largest relative error that passes. */
  double limit() {
    return limit;
  }

  String reason() {
    return reason;
  }
}
