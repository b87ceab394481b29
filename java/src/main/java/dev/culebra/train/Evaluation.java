package dev.culebra.train;

import dev.culebra.data.Batch;
import dev.culebra.data.Batches;
import dev.culebra.data.DataException;
import dev.culebra.data.Dataset;
import dev.culebra.data.HellaSwag;
import dev.culebra.data.MeanLoss;
import dev.culebra.data.Measurement;
import dev.culebra.data.SequentialBatches;
import dev.culebra.data.Tokens;
import dev.culebra.nn.LanguageModel;
import java.util.Optional;

/** Measures how well a model does on data it was not trained on, without dropout. */
public final class Evaluation {
  private Evaluation() {}

  /**
   * What {@code data} measures of {@code model}. Shares the model's weights; the model and its plan
   * are unchanged.
   *
   * @param batch sequences per forward pass
   * @param context the most tokens to read
   * @throws DataException if the data does not suit the context
   */
  public static Measurement of(LanguageModel model, Dataset data, int batch, int context) {
    try (ModelLearner learner = new ModelLearner(model, batch, context, 0)) {
      return data.measure(learner);
    }
  }

  /**
   * What {@code data} measures of {@code model} on the whole dataset, including the training part;
   * empty if it has no such measure. Otherwise like {@link #of}.
   */
  public static Optional<Measurement> ofWhole(
      LanguageModel model, Dataset data, int batch, int context) {
    try (ModelLearner learner = new ModelLearner(model, batch, context, 0)) {
      return data.measureWhole(learner);
    }
  }

  /** How {@code model} does on HellaSwag. Otherwise like {@link #of}. */
  public static Measurement of(LanguageModel model, HellaSwag examples, int batch, int context) {
    try (ModelLearner learner = new ModelLearner(model, batch, context, 0)) {
      return examples.measure(learner);
    }
  }

  /**
   * Mean loss over all tokens except the first. Each is predicted once, from at most {@code
   * context} tokens before it. Plans the model for inference and leaves it in eval mode.
   *
   * @throws DataException if there are too few tokens
   */
  static MeanLoss whole(LanguageModel model, Tokens tokens, int batch, int context) {
    model.eval();
    model.planInference(batch, context);
    SequentialBatches windows = new SequentialBatches(tokens, batch, context);
    double sum = 0;
    try (Batch window = new Batch(batch, context)) {
      for (long i = 0; i < windows.count(); i++) {
        long targets = windows.fill(window, i);
        model.load(window.inputs(), window.targets());
        model.zeroLoss();
        model.forward();
        model.loss(1);
        sum += targets * (double) model.readLossBlocking();
      }
    }
    return new MeanLoss(sum / windows.targets(), windows.targets());
  }

  /**
   * Mean loss over the counted targets of the first {@code count} steps of {@code batches}, which
   * have the shape of {@code rows}. Plans the model for inference and leaves it in eval mode.
   *
   * @throws DataException if no target counts
   */
  static MeanLoss first(int count, LanguageModel model, Batches batches, Batch rows) {
    model.eval();
    model.planInference(rows.batch(), rows.context());
    double sum = 0;
    long targets = 0;
    for (int i = 0; i < count; i++) {
      batches.fill(rows, i, 0);
      model.load(rows.inputs(), rows.targets());
      model.zeroLoss();
      model.forward();
      model.loss(1);
      int counted = rows.countedTargets();
      sum += counted * (double) model.readLossBlocking();
      targets += counted;
    }
    if (targets == 0) {
      throw new DataException("no target counts in %d batches".formatted(count));
    }
    return new MeanLoss(sum / targets, targets);
  }
}
