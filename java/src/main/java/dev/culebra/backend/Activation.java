package dev.culebra.backend;

/** Elementwise non-linearity, applied alone or in the epilogue of a linear layer. */
public enum Activation {
  /** y = x. */
  IDENTITY,
  /** y = max(x, 0). */
  RELU,
  /**
   * y = x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))): Hendrycks and Gimpel, "Gaussian Error Linear
   * Units" (2016), the form GPT-2 uses.
   */
  GELU_TANH,
  /** y = x/2 · (1 + erf(x / √2)): the exact form of the same paper. */
  GELU_ERF
}
