package dev.culebra.backend;

import dev.culebra.tensor.DType;

/** What the operations of a backend share: the type they compute in, and who listens. */
public final class OpContext {
  private final DType dtype;
  private OpListener listener;

  /**
   * For a backend that computes in {@code dtype}.
   *
   * @throws IllegalArgumentException if that is not a type of activations
   */
  public OpContext(DType dtype) {
    if (dtype == DType.I32) {
      throw new IllegalArgumentException("activations cannot be I32");
    }
    this.dtype = dtype;
  }

  /** The type of activations and of the weights that operations read. */
  public DType dtype() {
    return dtype;
  }

  /** Null for none. */
  OpListener listener() {
    return listener;
  }

  void listen(OpListener listener) {
    this.listener = listener;
  }
}
