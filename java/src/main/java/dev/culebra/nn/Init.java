package dev.culebra.nn;

/**
 * The initial values of a parameter: normal with the given mean and standard deviation; constant if
 * that is 0.
 *
 * @param mean of the distribution
 * @param std its standard deviation
 */
public record Init(float mean, float std) {
  /** All 0: biases. */
  public static final Init ZEROS = new Init(0, 0);

  /** All 1: the scale of a layernorm. */
  public static final Init ONES = new Init(1, 0);

  /** N(0, 0.02²): GPT-2's matrices and embeddings. */
  public static final Init GPT2 = normal(0.02f);

  /** N(0, std²). */
  public static Init normal(float std) {
    return new Init(0, std);
  }

  /**
   * For the projections into the residual stream of {@code layers} blocks, two per block: N(0,
   * 0.02² / (2 · layers)), as in GPT-2 (Radford et al., 2019, section 2.3), so that the stream's
   * variance does not grow with depth.
   */
  public static Init residualProjection(int layers) {
    return normal((float) (0.02 / Math.sqrt(2.0 * layers)));
  }
}
