package dev.culebra.backend;

/** An elementwise nonlinearity, applied alone or in the epilogue of a linear layer. */
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
  GELU_ERF,
  /** y = max(x, 0)²: So et al., "Primer" (2021). */
  RELU_SQUARED,
  /** y = x / (1 + exp(−x)): Elfwing, Uchibe, Doya, "Sigmoid-weighted linear units" (2017). */
  SILU
}
