package dev.culebra.train;

import dev.culebra.data.Batch;
import dev.culebra.data.Batches;
import dev.culebra.data.Corpus;
import dev.culebra.data.SequentialBatches;
import dev.culebra.data.Split;
import dev.culebra.nn.LanguageModel;
import java.util.function.BooleanSupplier;

/** Loss of a model on text it was not trained on, dropout off. */
public final class Evaluation {
  /**
   * What a whole validation part gave.
   *
   * @param loss mean over all tokens, in nats a token
   * @param tokens how many were predicted
   */
  public record Result(double loss, long tokens) {
    /** exp(loss): as uncertain as a choice among so many equally likely tokens. */
    public double perplexity() {
      return Math.exp(loss);
    }
  }

  private Evaluation() {}

  /**
   * Mean loss over the tokens that count in {@code batches} batches of the validation part, the
   * same ones each time, so that evaluations of one run compare; null if {@code abandon} said to
   * give up in between. The model is planned for the shape of {@code batch} and left in training
   * mode.
   */
  static Float sampled(
      LanguageModel model, Batches validation, Batch batch, int batches, BooleanSupplier abandon) {
    model.eval();
    model.zeroLoss();
    boolean abandoned = false;
    long counted = 0;
    for (int i = 0; i < batches; i++) {
      counted += validation.countedTargets(batch, i, 1);
    }
    for (int i = 0; i < batches && !abandoned; i++) {
      validation.fill(batch, i, 0);
      model.load(batch.inputs(), batch.targets());
      model.forward();
      model.loss(batch.weight(counted));
      abandoned = abandon.getAsBoolean();
    }
    model.train();
    return abandoned ? null : model.readLossBlocking();
  }

  /**
   * Mean loss over every token of the validation part but the first, each predicted once, from at
   * most {@code context} tokens before it. Plans the model for inference.
   *
   * @throws dev.culebra.data.DataException if the part is too short
   */
  public static Result whole(LanguageModel model, Corpus corpus, int batch, int context) {
    model.eval();
    model.planInference(batch, context);
    SequentialBatches windows =
        new SequentialBatches(corpus.tokens(Split.VALIDATION), batch, context);
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
    return new Result(sum / windows.targets(), windows.targets());
  }
}
