package dev.culebra.examples.lecture;

import dev.culebra.data.Batch;
import dev.culebra.data.BatchSampler;
import dev.culebra.data.Corpus;
import dev.culebra.data.Split;
import dev.culebra.nn.LanguageModel;
import dev.culebra.optim.AdamW;

/**
 * The lecture's loop: batches, forward, backward, AdamW, and now and then the loss on both parts.
 */
final class TrainingLoop {
  private final LanguageModel model;
  private final Batch batch;
  private final BatchSampler train;
  private final BatchSampler validation;
  private final long seed;

  /** Batches of {@code corpus} in the shape of {@code batch}, which the model is planned for. */
  TrainingLoop(LanguageModel model, Corpus corpus, Batch batch, long seed) {
    this.model = model;
    this.batch = batch;
    this.seed = seed;
    train = new BatchSampler(corpus, Split.TRAIN, seed);
    validation = new BatchSampler(corpus, Split.VALIDATION, seed);
    model.plan(batch.batch(), batch.context());
  }

  /**
   * Trains, and prints both losses every {@code evaluateEvery} steps and at the end.
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
      model.setDraw(seed, step); // which dropout masks
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

  /** One batch is noisy; the mean of several is not. Dropout is off meanwhile. */
  private float meanLoss(BatchSampler from, int batches) {
    model.eval();
    model.zeroLoss();
    for (int i = 0; i < batches; i++) {
      from.fill(batch, Integer.MAX_VALUE - i, 0); // batches that no step trains on
      model.load(batch.inputs(), batch.targets());
      model.forward();
      model.loss(1f / batches);
    }
    model.train();
    return model.readLossBlocking();
  }
}
