package dev.culebra.backend;

import dev.culebra.tensor.DType;

/** Shared by the operations of a backend: the type they compute in, and the listener. */
public final class OpContext {
  private final DType dtype;
  private OpListener listener;

  /**
   * For a backend that computes in {@code dtype}.
   *
   * @throws IllegalArgumentException if it is not a type for activations
   */
  public OpContext(DType dtype) {
    if (dtype == DType.I32 || dtype == DType.I8) {
      throw new IllegalArgumentException("activations cannot be " + dtype);
    }
    this.dtype = dtype;
  }

  /** The type of activations and of the weights that operations read. */
  public DType dtype() {
    return dtype;
  }

  /** Sets the listener; null for none. */
  OpListener listener() {
    return listener;
  }

  void listen(OpListener listener) {
    this.listener = listener;
  }
}
