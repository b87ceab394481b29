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
 * Lets a model solve held-out problems, always taking the likeliest digit, and counts the answers
 * in which every digit is right.
 */
final class ExactAnswers {
  /** The most problems per operation. */
  private static final int PROBLEMS = 2000;

  private static final int BATCH = 250;
  private static final int EXAMPLES = 5;
  private static final int EXAMPLES_OF_MANY = 3;

  private final Arithmetic data;
  private final List<Problem> problems;
  private final Learner.Writer writer;
  private final Learner.Exam exam;

  /**
   * The result.
   *
   * @param scores of each operation, for the same number of problems
   * @param examples evenly spaced problems with the model's answers, one line each
   */
  record Result(Map<Operation, Score> scores, List<String> examples) {
    Result {
      scores = new EnumMap<>(scores);
      examples = List.copyOf(examples);
    }

    /** The score over all operations. */
    Score total() {
      return new Score(
          scores.values().stream().mapToInt(Score::right).sum(),
          scores.values().stream().mapToInt(Score::asked).sum());
    }

    /** The fields of {@code eval --json}. */
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

    /** Several lines of text. */
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
   * if {@code abandon} returned true.
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

  /** The model's answer, without trailing line ends. */
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
