package dev.culebra.nn;

import dev.culebra.backend.Activation;

/** GELU in the tanh form of GPT-2, or exact with erf (Hendrycks and Gimpel, 2016), elementwise. */
public final class Gelu extends Elementwise {
  /** The tanh form. */
  public Gelu(int width) {
    this(width, false);
  }

  /**
   * Over rows of {@code width}.
   *
   * @param exact whether to use erf instead of tanh
   */
  public Gelu(int width, boolean exact) {
    super(width, exact ? Activation.GELU_ERF : Activation.GELU_TANH);
  }
}
