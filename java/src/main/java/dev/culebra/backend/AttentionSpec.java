package dev.culebra.backend;

/**
 * The parameters of an attention, apart from its tensors.
 *
 * @param heads number of heads; divides the width C
 * @param causal whether position t attends only to positions ≤ t (otherwise to all)
 * @param dropout on the attention probabilities; element ((b · heads + h) · T + query) · T + key of
 *     its random site
 */
public record AttentionSpec(int heads, boolean causal, DropoutSpec dropout) {
  public AttentionSpec {
    if (heads < 1) {
      throw new IllegalArgumentException("heads must be at least 1, not " + heads);
    }
  }
}
