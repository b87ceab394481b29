package dev.culebra.backend;

import dev.culebra.tensor.DType;
import dev.culebra.tensor.Tensor;
import java.util.Objects;

/**
 * Identifies the random numbers of one site in the model. Element {@code e} of site {@code s} uses
 * word {@code e % 4} of Philox with counter ({@code e / 4}, {@code s}, state[2], state[3]) and key
 * (state[0], state[1]): the same on every device and for any number of threads.
 *
 * @param state I32 (4) on the device: seed low, seed high, draw low, draw high. It is memory, not
 *     an argument, so that a recorded graph draws new numbers on replay after the draw number has
 *     changed.
 * @param site number of the site in the model, distinct for each
 */
public record RandomKey(Tensor state, int site) {
  public RandomKey {
    Objects.requireNonNull(state, "state");
    if (state.dtype() != DType.I32 || state.elements() != 4) {
      throw new IllegalArgumentException("random state must be I32 (4), not " + state);
    }
  }
}
