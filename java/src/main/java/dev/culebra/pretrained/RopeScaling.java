package dev.culebra.pretrained;

/**
 * Llama 3.1's change of the frequencies of rotary positions, for contexts longer than those that a
 * model was first trained with: low frequencies are divided by {@code factor}, high ones stay, and
 * those between are mixed.
 *
 * @param factor divides low frequencies
 * @param lowFrequencyFactor wavelengths above {@code originalContext} / this are low frequencies
 * @param highFrequencyFactor wavelengths below {@code originalContext} / this are high frequencies
 * @param originalContext the first context
 */
public record RopeScaling(
    double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalContext) {}
