package dev.culebra.train;

import dev.culebra.backend.Backend;
import dev.culebra.data.Batch;
import dev.culebra.data.Learner;
import dev.culebra.data.Question;
import dev.culebra.nn.LanguageModel;
import dev.culebra.tensor.Shape;
import dev.culebra.tensor.Tensor;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Asks a model questions with known answers. Shares the model's weights but has its own
 * activations.
 */
final class Examiner implements Learner.Exam, AutoCloseable {
  /**
   * Limit of the logits read at once: with a large vocabulary, those of a whole answer are too
   * many.
   */
  private static final int READ_AT_ONCE = 1 << 16;

  private final Backend backend;
  private final LanguageModel model;
  private final List<Question> questions;
  private final int batch;
  private final int context;

  /** How many of {@code questions} are asked at once, at most {@code batch}. */
  static int rows(List<Question> questions, int batch) {
    return Math.min(batch, questions.size());
  }

  /** T: the length of the longest of {@code questions}, whose last token has no successor. */
  static int context(List<Question> questions) {
    return questions.stream().mapToInt(Question::length).max().orElseThrow() - 1;
  }

  /**
   * Prepares to ask {@code questions} (at least one), up to {@code batch} at once; {@code model}
   * must outlive this object.
   */
  Examiner(LanguageModel model, List<Question> questions, int batch) {
    this.backend = model.backend();
    this.questions = questions;
    this.batch = rows(questions, batch);
    this.context = context(questions);
    this.model = model.shareWeights();
    try {
      this.model.eval();
      this.model.planInference(this.batch, context);
    } catch (Throwable e) { // even an Error must leave nothing open
      this.model.close();
      throw e;
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>The answer is what greedy decoding would write, although nothing is generated: up to its
   * first wrong token, greedy decoding reads the same right tokens that the model reads here.
   */
  @Override
  public Learner.Answers ask(BooleanSupplier abandon) {
    boolean[] exact = new boolean[questions.size()];
    double loss = 0;
    long tokens = 0;
    try (Batch rows = new Batch(batch, context)) {
      for (int first = 0; first < questions.size(); first += batch) {
        if (abandon.getAsBoolean()) {
          return null;
        }
        List<Question> asked = questions.subList(first, Math.min(first + batch, questions.size()));
        Tensor logits = forward(rows, asked);
        for (int row = 0; row < asked.size(); row++) {
          exact[first + row] = isExact(logits, row, asked.get(row));
          tokens += asked.get(row).answer().length;
        }
        for (float one : backend.readFloatsBlocking(model.losses())) {
          loss += one;
        }
      }
    }
    return new Learner.Answers(loss, tokens, exact);
  }

  /** For each question the loss of all tokens of its answer, in nats. */
  double[] losses() {
    double[] losses = new double[questions.size()];
    try (Batch rows = new Batch(batch, context)) {
      for (int first = 0; first < questions.size(); first += batch) {
        List<Question> asked = questions.subList(first, Math.min(first + batch, questions.size()));
        forward(rows, asked);
        float[] ofTokens =
            backend.readFloatsBlocking(model.losses()); // (B, T); 0 for targets that do not count
        for (int row = 0; row < asked.size(); row++) {
          for (int t = 0; t < context; t++) {
            losses[first + row] += ofTokens[row * context + t];
          }
        }
      }
    }
    return losses;
  }

  private Tensor forward(Batch rows, List<Question> asked) {
    rows.clear();
    for (int row = 0; row < asked.size(); row++) {
      asked.get(row).fill(rows, row);
    }
    model.load(rows.inputs(), rows.targets());
    model.zeroLoss();
    Tensor logits = model.forward();
    model.loss(1);
    return logits;
  }

  /** Reads the logits (≥ vocab) before each token of the answer, a few positions at a time. */
  private boolean isExact(Tensor logits, int row, Question question) {
    int[] answer = question.answer();
    int width = logits.shape().dim(-1);
    long first = (long) row * context + question.prompt().length - 1;
    int most = Math.max(1, READ_AT_ONCE / width);
    for (int from = 0; from < answer.length; from += most) {
      int count = Math.min(most, answer.length - from);
      Tensor some = logits.slice((first + from) * width, Shape.of(count, width));
      float[] values = backend.readFloatsBlocking(some);
      for (int i = 0; i < count; i++) {
        if (largest(values, i * width, model.vocab()) != answer[from + i]) {
          return false;
        }
      }
    }
    return true;
  }

  private static int largest(float[] values, int from, int length) {
    int best = 0;
    for (int i = 1; i < length; i++) {
      if (values[from + i] > values[from + best]) {
        best = i;
      }
    }
    return best;
  }

  @Override
  public void close() {
    model.close();
  }
}
