package dev.culebra.backend;

/**
 * How the next token is drawn from logits.
 *
 * @param temperature logits are divided by it; 0 takes the most likely token (the lowest index
 *     among equals)
 * @param topK only the K most likely tokens are eligible; 0 for all
 * @param topP only the smallest set of most likely tokens whose probability reaches P is eligible
 *     (nucleus sampling, Holtzman et al., 2019); 1 for all
 */
public record SamplingSpec(float temperature, int topK, float topP) {
  public SamplingSpec {
    if (!(temperature >= 0) || Float.isInfinite(temperature)) {
      throw new IllegalArgumentException("temperature must be 0 or more, not " + temperature);
    }
    if (topK < 0) {
      throw new IllegalArgumentException("top-k must be 0 (off) or more, not " + topK);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException("top-p must be in (0, 1], not " + topP);
    }
  }
}
