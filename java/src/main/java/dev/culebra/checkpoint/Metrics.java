package dev.culebra.checkpoint;

/**
 * One line of {@code metrics.jsonl}.
 *
 * @param step optimizer steps taken
 * @param loss mean cross-entropy of the step's batches, in nats a token
 * @param validationLoss that of the validation batches; null where it was not evaluated
 * @param learningRate of the step
 * @param gradientNorm global norm before clipping
 * @param tokensPerSecond since the line before
 * @param seconds spent training since the beginning of the run
 * @param tflops of the model, 10¹² operations a second at that speed, see {@code
 *     Gpt.flopsOfAToken}; null on a processor
 * @param mfu model FLOPs utilisation, {@code tflops} as a part of the device's peak; null where
 *     that is not known
 */
public record Metrics(
    int step,
    float loss,
    Float validationLoss,
    float learningRate,
    float gradientNorm,
    double tokensPerSecond,
    double seconds,
    Double tflops,
    Double mfu) {
  /** On a processor. */
  public Metrics(
      int step,
      float loss,
      Float validationLoss,
      float learningRate,
      float gradientNorm,
      double tokensPerSecond,
      double seconds) {
    this(
        step,
        loss,
        validationLoss,
        learningRate,
        gradientNorm,
        tokensPerSecond,
        seconds,
        null,
        null);
  }

  /** The same step, evaluated. */
  public Metrics withValidationLoss(float evaluated) {
    return new Metrics(
        step, loss, evaluated, learningRate, gradientNorm, tokensPerSecond, seconds, tflops, mfu);
  }
}
