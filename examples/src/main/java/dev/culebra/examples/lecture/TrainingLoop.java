package dev.culebra.examples.lecture;

import dev.culebra.data.Batch;
import dev.culebra.data.BatchSampler;
import dev.culebra.data.Corpus;
import dev.culebra.data.Split;
import dev.culebra.nn.LanguageModel;
import dev.culebra.optim.AdamW;

/**
 * The lecture's loop: batches, forward, backward, AdamW, and from time to time the loss on both
 * parts.
 */
final class TrainingLoop {
  private final LanguageModel model;
  private final Batch batch;
  private final BatchSampler train;
  private final BatchSampler validation;
  private final long seed;

  /**
   * Uses batches of {@code corpus} with the shape of {@code batch}, for which the model is planned.
   */
  TrainingLoop(LanguageModel model, Corpus corpus, Batch batch, long seed) {
    this.model = model;
    this.batch = batch;
    this.seed = seed;
    train = new BatchSampler(corpus, Split.TRAIN, seed);
    validation = new BatchSampler(corpus, Split.VALIDATION, seed);
    model.plan(batch.batch(), batch.context());
  }

  /**
   * Trains; prints both losses every {@code evaluateEvery} steps and at the end.
   *
   * @return the validation loss at the end
   */
  float run(AdamW optimizer, int steps, float learningRate, int evaluateEvery, int batches) {
    for (int step = 0; step < steps; step++) {
      if (step % evaluateEvery == 0) {
        report(step, batches);
      }
      train.fill(batch, step, 0);
      model.zeroGradients();
      model.load(batch.inputs(), batch.targets());
      model.setDraw(seed, step); // selects the dropout masks
      model.forward();
      model.backward(1);
      optimizer.step(learningRate);
    }
    return report(steps, batches);
  }

  private float report(int step, int batches) {
    float validationLoss = meanLoss(validation, batches);
    System.out.printf(
        "step %,6d: train loss %.4f, validation loss %.4f%n",
        step, meanLoss(train, batches), validationLoss);
    return validationLoss;
  }

  /** The mean over several batches, since one is noisy; without dropout. */
  private float meanLoss(BatchSampler from, int batches) {
    model.eval();
    model.zeroLoss();
    for (int i = 0; i < batches; i++) {
      from.fill(batch, Integer.MAX_VALUE - i, 0); // batches that are never trained on
      model.load(batch.inputs(), batch.targets());
      model.forward();
      model.loss(1f / batches);
    }
    model.train();
    return model.readLossBlocking();
  }
}
