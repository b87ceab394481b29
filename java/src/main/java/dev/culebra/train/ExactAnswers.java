package dev.culebra.train;

import dev.culebra.data.Arithmetic;
import dev.culebra.data.Arithmetic.Problem;
import dev.culebra.data.Operation;
import dev.culebra.nn.Gpt;
import dev.culebra.text.Tokenizer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * Lets a model work out problems that it was never trained on, always taking the most likely digit,
 * and counts those that are right in every digit. Shares the model's weights and has activations of
 * its own.
 */
public final class ExactAnswers implements Showcase {
  /** Most problems of an operation. */
  private static final int PROBLEMS = 2000;

  private static final int BATCH = 250;
  private static final int EXAMPLES = 5;
  private static final int EXAMPLES_OF_MANY = 3;

  private final Arithmetic data;
  private final List<Problem> problems;
  private final Examiner examiner;

  /**
   * How it went.
   *
   * @param scores of each operation, of as many problems each
   * @param examples problems at even distances with the model's answers, a line each
   */
  public record Result(Map<Operation, Score> scores, List<String> examples) {
    public Result {
      scores = new EnumMap<>(scores);
      examples = List.copyOf(examples);
    }

    /** Of all operations. */
    public Score total() {
      return new Score(
          scores.values().stream().mapToInt(Score::right).sum(),
          scores.values().stream().mapToInt(Score::asked).sum());
    }

    /** For people. */
    @Override
    public String toString() {
      List<String> lines = new ArrayList<>(examples);
      lines.add("exact answers on held-out problems: " + total());
      if (scores.size() > 1) {
        scores.forEach((operation, score) -> lines.add("  " + operation.symbol() + "  " + score));
      }
      return String.join(System.lineSeparator(), lines) + System.lineSeparator();
    }
  }

  /** For {@code model}, which must outlive this. */
  public ExactAnswers(Gpt model, Arithmetic data) {
    this.data = data;
    this.problems = data.heldOut(PROBLEMS);
    this.examiner = new Examiner(model, data.questions(problems), BATCH);
  }

  @Override
  public String write(BooleanSupplier abandon) {
    Result result = ask(abandon);
    return result == null ? null : result.toString();
  }

  /** Asks all held-out problems, or {@value #PROBLEMS} of each operation; waits for the device. */
  public Result ask() {
    return ask(() -> false);
  }

  private Result ask(BooleanSupplier abandon) {
    Examiner.Result answers = examiner.ask(abandon);
    if (answers == null) {
      return null;
    }
    boolean[] exact = answers.exact();
    Map<Operation, Score> scores = new EnumMap<>(Operation.class);
    List<String> examples = new ArrayList<>();
    int operations = data.kind().operations().size();
    int each = problems.size() / operations;
    for (int first = 0; first < problems.size(); first += each) {
      int right = 0;
      for (int i = first; i < first + each; i++) {
        right += exact[i] ? 1 : 0;
      }
      scores.put(problems.get(first).operation(), new Score(right, each));
      examples.addAll(examples(first, each, operations == 1 ? EXAMPLES : EXAMPLES_OF_MANY));
    }
    return new Result(scores, examples);
  }

  private List<String> examples(int first, int each, int most) {
    List<String> examples = new ArrayList<>();
    int distance = Math.max(1, each / most);
    for (int i = 0; i < Math.min(most, each); i++) {
      Problem problem = problems.get(first + i * distance + distance / 2);
      String answer = answer(problem);
      examples.add(problem.judged(answer, answer.equals(data.answer(problem))));
    }
    return examples;
  }

  /** What the model writes, without the line ends behind it. */
  private String answer(Problem problem) {
    Tokenizer tokenizer = data.tokenizer();
    StringBuilder answer = new StringBuilder();
    examiner.write(
        data.questions(List.of(problem)).getFirst(),
        data.answerLength(),
        token -> answer.append(tokenizer.decode(token)) != null);
    return answer.toString().replaceFirst("\n+$", "");
  }

  @Override
  public void close() {
    examiner.close();
  }
}
