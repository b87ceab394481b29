package dev.culebra.examples.arithmetic;

import dev.culebra.data.Learner;
import dev.culebra.data.Score;
import dev.culebra.examples.arithmetic.Arithmetic.Problem;
import dev.culebra.text.Tokenizer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * Lets a model work out problems that it was never trained on, always taking the most likely digit,
 * and counts those that are right in every digit.
 */
final class ExactAnswers {
  /** Most problems of an operation. */
  private static final int PROBLEMS = 2000;

  private static final int BATCH = 250;
  private static final int EXAMPLES = 5;
  private static final int EXAMPLES_OF_MANY = 3;

  private final Arithmetic data;
  private final List<Problem> problems;
  private final Learner.Writer writer;
  private final Learner.Exam exam;

  /**
   * How it went.
   *
   * @param scores of each operation, of as many problems each
   * @param examples problems at even distances with the model's answers, a line each
   */
  record Result(Map<Operation, Score> scores, List<String> examples) {
    Result {
      scores = new EnumMap<>(scores);
      examples = List.copyOf(examples);
    }

    /** Of all operations. */
    Score total() {
      return new Score(
          scores.values().stream().mapToInt(Score::right).sum(),
          scores.values().stream().mapToInt(Score::asked).sum());
    }

    /** As {@code eval --json} shows them. */
    Map<String, Object> figures() {
      Map<String, Object> operations = new LinkedHashMap<>();
      scores.forEach(
          (operation, score) ->
              operations.put(Character.toString(operation.symbol()), figures(score)));
      Map<String, Object> figures = figures(total());
      figures.put("operations", operations);
      return figures;
    }

    private static Map<String, Object> figures(Score score) {
      Map<String, Object> figures = new LinkedHashMap<>();
      figures.put("problems", score.asked());
      figures.put("right", score.right());
      return figures;
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

  ExactAnswers(Learner learner, Arithmetic data) {
    this.data = data;
    this.problems = data.heldOut(PROBLEMS);
    this.writer = learner.writer();
    this.exam = learner.exam(data.questions(problems), BATCH);
  }

  /**
   * Asks all held-out problems, or {@value #PROBLEMS} of each operation; waits for the device. Null
   * if {@code abandon} said to give up.
   */
  Result ask(BooleanSupplier abandon) {
    Learner.Answers answers = exam.ask(abandon);
    if (answers == null) {
      return null;
    }
    Map<Operation, Score> scores = new EnumMap<>(Operation.class);
    List<String> examples = new ArrayList<>();
    int operations = data.kind().operations().size();
    int each = problems.size() / operations;
    for (int first = 0; first < problems.size(); first += each) {
      Score score = new Score(answers.right(first, first + each), each);
      scores.put(problems.get(first).operation(), score);
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
    writer.likeliest(
        tokenizer.encode(data.question(problem)),
        data.answerLength(),
        token -> answer.append(tokenizer.decode(token)) != null);
    return answer.toString().replaceFirst("\n+$", "");
  }
}
