package dev.culebra.train;

import dev.culebra.backend.Backend;
import dev.culebra.data.Addition;
import dev.culebra.data.Addition.Problem;
import dev.culebra.nn.Gpt;
import dev.culebra.text.Tokenizer;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Lets a model do sums that it was never trained on, always taking the most likely digit, and
 * counts those that are right in every digit. Shares the model's weights and has activations of its
 * own.
 */
public final class ExactAnswers implements Showcase {
  private static final int PROBLEMS = 2000;
  private static final int BATCH = 250;
  private static final int EXAMPLES = 5;

  private final Addition data;
  private final Tokenizer tokenizer;
  private final Backend backend;
  private final Gpt model;
  private final List<Problem> problems;

  /**
   * How it went.
   *
   * @param right answers that were right in every digit
   * @param problems how many were asked
   * @param examples some of them with the model's answers, a line each
   */
  public record Result(int right, int problems, List<String> examples) {
    /** Share of right answers, in percent. */
    public double percent() {
      return 100.0 * right / problems;
    }

    /** For people. */
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%s%nexact answers on held-out problems: %.1f %% (%,d of %,d)%n",
          String.join(System.lineSeparator(), examples),
          percent(),
          right,
          problems);
    }
  }

  /** For {@code model}, which must outlive this. */
  public ExactAnswers(Gpt model, Addition data) {
    this.data = data;
    this.tokenizer = data.tokenizer();
    this.backend = model.backend();
    this.model = model.shareWeights();
    this.model.eval();
    this.problems = data.heldOut(PROBLEMS);
    this.model.planInference(Math.min(BATCH, problems.size()), data.context());
  }

  @Override
  public String write() {
    return ask().toString();
  }

  /** Asks all held-out problems, or {@value #PROBLEMS} of them; waits for the device. */
  public Result ask() {
    int right = 0;
    StringBuilder examples = new StringBuilder();
    int batch = Math.min(BATCH, problems.size());
    for (int first = 0; first < problems.size(); first += batch) {
      // The last batch begins early enough to be full; what was asked before does not count again.
      int start = Math.min(first, problems.size() - batch);
      List<Problem> asked = problems.subList(start, start + batch);
      String[] answers = answers(asked);
      for (int i = first - start; i < batch; i++) {
        boolean isRight = answers[i].equals(data.answer(asked.get(i).sum()));
        right += isRight ? 1 : 0;
        if ((start + i) % Math.max(1, problems.size() / EXAMPLES) == 0) {
          examples.append(example(asked.get(i), answers[i], isRight)).append('\n');
        }
      }
    }
    return new Result(right, problems.size(), examples.toString().lines().limit(EXAMPLES).toList());
  }

  private String example(Problem problem, String answer, boolean isRight) {
    String turned = new StringBuilder(answer).reverse().toString();
    String number =
        turned.chars().allMatch(Character::isDigit) ? strip(turned) : "'" + turned + "'";
    String verdict = isRight ? "right" : "wrong, it is " + problem.sum();
    return "%d + %d = %s  %s".formatted(problem.a(), problem.b(), number, verdict);
  }

  private static String strip(String digits) {
    return Integer.toString(Integer.parseInt(digits));
  }

  /** The model's answers as it writes them, digits turned round. */
  private String[] answers(List<Problem> asked) {
    int time = data.context();
    int[] tokens = new int[asked.size() * time];
    for (int row = 0; row < asked.size(); row++) {
      int[] question = tokenizer.encode(data.question(asked.get(row)));
      System.arraycopy(question, 0, tokens, row * time, question.length);
    }
    String[] answers = new String[asked.size()];
    Arrays.fill(answers, "");
    for (int digit = 0; digit < data.answerLength(); digit++) {
      int place = data.questionLength() - 1 + digit;
      model.load(MemorySegment.ofArray(tokens), null);
      var logits = model.forward();
      float[] values = backend.readFloatsBlocking(logits);
      int width = logits.shape().dim(-1);
      for (int row = 0; row < asked.size(); row++) {
        int token = largest(values, (row * time + place) * width, model.vocab());
        answers[row] += tokenizer.decode(new int[] {token});
        if (place + 1 < time) {
          tokens[row * time + place + 1] = token;
        }
      }
    }
    return answers;
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
