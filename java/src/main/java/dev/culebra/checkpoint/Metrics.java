package dev.culebra.checkpoint;

/**
 * One line of {@code metrics.jsonl}.
 *
 * @param step optimizer steps taken
 * @param loss mean cross-entropy of the step's batches, in nats per token
 * @param validationLoss loss of the validation batches; null if not evaluated
 * @param learningRate of the step
 * @param gradientNorm global norm before clipping
 * @param tokensPerSecond since the previous line
 * @param seconds spent training since the start of the run
 * @param tflops of the model, 10¹² operations per second at that speed, see {@code
 *     Gpt.flopsOfAToken}; null on a CPU
 * @param mfu model FLOPs utilisation, {@code tflops} as a fraction of the device's peak; null if
 *     that is unknown
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
  /** On a CPU. */
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
