package dev.culebra.backend;

/**
 * Dropout with probability {@code p}: an element whose uniform draw is below {@code p} becomes 0,
 * the others are scaled by 1 / (1 − p). The mask is never stored; the backward pass redraws it from
 * {@code key}.
 *
 * @param p probability of dropping, in [0, 1)
 * @param key the source of the draws; may be null only if {@code p} is 0
 */
public record DropoutSpec(float p, RandomKey key) {
  /** Keeps everything. */
  public static final DropoutSpec NONE = new DropoutSpec(0, null);

  public DropoutSpec {
    if (!(p >= 0 && p < 1)) {
      throw new IllegalArgumentException("dropout must be in [0, 1), not " + p);
    }
    if (p > 0 && key == null) {
      throw new IllegalArgumentException("dropout needs a random key");
    }
  }

  /** Whether nothing is dropped. */
  public boolean isNone() {
    return p == 0;
  }

  /** The factor of kept elements. */
  public float scale() {
    return 1 / (1 - p);
  }
}
