package dev.culebra.train;

import dev.culebra.backend.SamplingSpec;
import dev.culebra.data.Batch;
import dev.culebra.data.Batches;
import dev.culebra.data.Learner;
import dev.culebra.data.MeanLoss;
import dev.culebra.data.Question;
import dev.culebra.data.Tokens;
import dev.culebra.generate.Generator;
import dev.culebra.io.Owned;
import dev.culebra.nn.LanguageModel;
import java.util.List;
import java.util.function.IntPredicate;

/** A model as its dataset sees it, possibly during training. */
final class ModelLearner implements Learner, AutoCloseable {
  private static final SamplingSpec LIKELIEST = new SamplingSpec(0, 0, 1);
  private static final SamplingSpec DRAWN = new SamplingSpec(0.8f, 200, 1);

  private final Owned owned = new Owned();
  private final LanguageModel model;
  private final int batch;
  private final int context;
  private final long seed;

  /**
   * @param model must outlive this object
   * @param seed of the draws
   */
  ModelLearner(LanguageModel model, int batch, int context, long seed) {
    this.model = model;
    this.batch = batch;
    this.context = context;
    this.seed = seed;
  }

  @Override
  public int context() {
    return context;
  }

  @Override
  public int batch() {
    return batch;
  }

  @Override
  public Writer writer() {
    Generator generator = owned.add(new Generator(model, context));
    return new Writer() {
      @Override
      public void likeliest(int[] prompt, int count, IntPredicate onToken) {
        generator.generate(prompt, count, LIKELIEST, 0, 0, onToken);
      }

      @Override
      public void draw(int[] prompt, int count, IntPredicate onToken) {
        generator.generate(prompt, count, DRAWN, seed, 0, onToken);
      }
    };
  }

  @Override
  public Exam exam(List<Question> questions, int atOnce) {
    return owned.add(new Examiner(model, questions, atOnce));
  }

  @Override
  public MeanLoss loss(Tokens tokens) {
    try (LanguageModel reader = model.shareWeights()) {
      return Evaluation.whole(reader, tokens, batch, context);
    }
  }

  @Override
  public double[] losses(List<Question> questions) {
    try (Examiner examiner = new Examiner(model, questions, batch)) {
      return examiner.losses();
    }
  }

  @Override
  public MeanLoss loss(Batches batches, int count) {
    try (LanguageModel reader = model.shareWeights();
        Batch rows = new Batch(batch, context)) {
      return Evaluation.first(count, reader, batches, rows);
    }
  }

  @Override
  public void close() {
    owned.close();
  }
}
