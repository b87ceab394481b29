package dev.culebra.nn;

/**
 * Device memory that the training of a model needs, in bytes.
 *
 * @param parameters values, and the copy that operations read where that is another type
 * @param gradients of all parameters
 * @param optimizer both moments of AdamW; Muon, with its momentum and directions, needs less
 * @param activations of one micro-step, and their gradients
 */
public record MemoryNeeds(long parameters, long gradients, long optimizer, long activations) {
  /** All of it. */
  public long total() {
    return parameters + gradients + optimizer + activations;
  }
}
