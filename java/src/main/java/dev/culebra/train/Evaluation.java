package dev.culebra.train;

import dev.culebra.data.Batch;
import dev.culebra.data.BatchSampler;
import dev.culebra.nn.LanguageModel;

/** Mean loss of a model on batches of text, dropout off. */
final class Evaluation {
  private Evaluation() {}

  /**
   * Mean loss in nats a token over batches 0 … {@code batches} − 1 of {@code sampler}, the same ones each time, so that two
   * evaluations compare.
   */
  static float meanLoss(LanguageModel model, BatchSampler sampler, Batch batch, int batches) {
    model.eval();
    model.zeroLoss();
    for (int i = 0; i < batches; i++) {
      sampler.fill(batch, i);
      model.load(batch.inputs(), batch.targets());
      model.forward();
      model.loss(1f / batches);
    }
    model.train();
    return model.readLossBlocking();
  }
}
