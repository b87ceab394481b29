package dev.culebra.backend;

/**
 * The numbers of one AdamW step: Loshchilov and Hutter, "Decoupled weight decay regularization"
 * (2019), algorithm 2.
 *
 * @param step 1 for the first step; used for bias correction
 * @param learningRate step size, after the schedule
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param epsilon added to the root of the second moment
 * @param weightDecay decoupled decay of the decayed elements
 * @param maxNorm gradients are scaled by min(1, maxNorm / norm); 0 turns clipping off
 * @param seed of the stochastic rounding of weights, see {@link Ops#adamW}; otherwise unused
 */
public record AdamWStep(
    int step,
    float learningRate,
    float beta1,
    float beta2,
    float epsilon,
    float weightDecay,
    float maxNorm,
    long seed) {}
