package dev.culebra.nn;

/**
 * What later papers do otherwise than GPT-2. {@link #LLAMA} with {@link
 * dev.culebra.backend.Activation#SILU}, no biases and an untied head is a Llama-shaped model
 * (Touvron et al., 2023).
 *
 * @param positions how a token's place is known
 * @param norm of each half of a block, and before the head
 * @param gatedMlp whether the MLP is a gated one, with 8/3 C hidden columns rounded up to a
 *     multiple of 32: as many weights in three matrices as in two (Shazeer, 2020)
 * @param qkNorm whether queries and keys are divided by their root mean square
 * @param kvHeads heads of keys and values, a divisor of the number of heads; 0 for as many
 * @param softcap bound of the logits by cap · tanh(logit / cap); 0 for none
 */
public record Variant(
    Positions positions,
    Normalization norm,
    boolean gatedMlp,
    boolean qkNorm,
    int kvHeads,
    float softcap) {

  /** As GPT-2 has it. */
  public static final Variant GPT2 =
      new Variant(Positions.LEARNED, Normalization.LAYER, false, false, 0, 0);

  /** Rotary positions, RMSNorm, gated MLPs. */
  public static final Variant LLAMA =
      new Variant(Positions.ROTARY, Normalization.RMS, true, false, 0, 0);

  /**
   * Checks what can be checked.
   *
   * @throws IllegalArgumentException with one line that names the value
   */
  public Variant {
    if (positions == null || norm == null) {
      throw new IllegalArgumentException("positions and norm must be given");
    }
    if (kvHeads < 0) {
      throw new IllegalArgumentException("kvHeads must be at least 0, not " + kvHeads);
    }
    if (!(softcap >= 0 && Float.isFinite(softcap))) {
      throw new IllegalArgumentException("softcap must be 0 or more, not " + softcap);
    }
  }
}
