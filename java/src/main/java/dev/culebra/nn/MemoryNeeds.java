package dev.culebra.nn;

/**
 * Device memory needed to train a model, in bytes.
 *
 * @param parameters values, and the weights that operations read if they have another type
 * @param gradients of all parameters
 * @param optimizer both moments of AdamW; Muon, with its momentum and directions, needs less
 * @param activations activations of one micro-step, and their gradients
 */
public record MemoryNeeds(long parameters, long gradients, long optimizer, long activations) {
  /** The sum. */
  public long total() {
    return parameters + gradients + optimizer + activations;
  }
}
