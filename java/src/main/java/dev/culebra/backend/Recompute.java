package dev.culebra.backend;

/**
 * What the backward pass of a training step recomputes instead of keeping: less memory for more
 * work (Chen et al., "Training deep nets with sublinear memory cost", 2016). Results are the same
 * to the bit, except for {@link #GELU} in BF16 on a backend whose matrix products apply GELU before
 * rounding.
 */
public enum Recompute {
  /** Nothing. */
  NONE,
  /** The MLP's activation: saves a quarter of a block's activations for very little work. */
  GELU,
  /** Each whole block: only the residual stream is kept, for a second forward pass of the block. */
  BLOCK
}
