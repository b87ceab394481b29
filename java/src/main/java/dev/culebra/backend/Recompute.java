package dev.culebra.backend;

/**
 * What a training step computes a second time in its backward pass instead of keeping it: less
 * memory for more work (Chen et al., "Training deep nets with sublinear memory cost", 2016). The
 * numbers are the same to the bit, but for {@link #GELU} in BF16 on a backend whose matrix products
 * apply GELU before they round.
 */
public enum Recompute {
  /** Nothing. */
  NONE,
  /** The MLP's activation: a quarter of a block's activations for hardly any work. */
  GELU,
  /** Each whole block: only the residual stream is kept, for a second forward pass. */
  BLOCK
}
