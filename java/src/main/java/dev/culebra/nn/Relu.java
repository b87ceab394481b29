package dev.culebra.nn;

import dev.culebra.backend.Activation;

/** max(x, 0), elementwise: the lecture's activation. */
public final class Relu extends Elementwise {
  /** Over rows of {@code width}. */
  public Relu(int width) {
    super(width, Activation.RELU);
  }
}
