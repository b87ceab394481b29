package dev.culebra.data;

import dev.culebra.text.TokenDecoder;
import dev.culebra.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Lets a model complete prompts: measures the loss of the right completions, and counts those that
 * greedy decoding writes exactly.
 */
final class ExactCompletions implements Showcase {
  private static final int EXAMPLES = 5;
  private static final int MORE_TOKENS = 20;
  private static final int QUOTED = 200;

  private final Tokenizer tokenizer;
  private final List<Question> questions;
  private final String prompts;
  private final Learner.Writer writer;
  private final Learner.Exam exam;

  /**
   * The result.
   *
   * @param prompts a description of the prompts
   * @param loss over the tokens of all completions and their ends
   * @param score over all pairs
   * @param examples evenly spaced pairs with the model's completions, one line each
   */
  record Result(String prompts, MeanLoss loss, Score score, List<String> examples) {
    Result {
      examples = List.copyOf(examples);
    }

    @Override
    public String toString() {
      List<String> lines = new ArrayList<>(examples);
      lines.add("exact completions of %s: %s".formatted(prompts, score));
      return String.join(System.lineSeparator(), lines) + System.lineSeparator();
    }
  }

  /**
   * For {@code learner}.
   *
   * @param questions at least one
   * @param prompts a description of the prompts
   */
  ExactCompletions(Learner learner, Tokenizer tokenizer, List<Question> questions, String prompts) {
    this.tokenizer = tokenizer;
    this.questions = List.copyOf(questions);
    this.prompts = prompts;
    writer = learner.writer();
    exam = learner.exam(questions, learner.batch());
  }

  @Override
  public String write(BooleanSupplier abandon) {
    Result result = ask(abandon);
    return result == null ? null : result.toString();
  }

  /** Asks all questions; waits for the device. Null if {@code abandon} returned true. */
  Result ask(BooleanSupplier abandon) {
    Learner.Answers answers = exam.ask(abandon);
    return answers == null
        ? null
        : new Result(
            prompts, answers.loss(), new Score(answers.right(), questions.size()), examples());
  }

  private List<String> examples() {
    List<String> examples = new ArrayList<>();
    int count = Math.min(EXAMPLES, questions.size());
    for (int i = 0; i < count; i++) {
      examples.add(example(questions.get(i * (questions.size() / count))));
    }
    return examples;
  }

  private String example(Question question) {
    String right = tokenizer.decode(question.answer());
    String written = completion(question, lineEnds(right));
    String verdict = written.equals(right) ? "right" : "wrong, it is " + quoted(right);
    return "%s %s  %s"
        .formatted(quoted(tokenizer.decode(question.prompt())), quoted(written), verdict);
  }

  /**
   * The model's completion, up to the number of line ends of the right one, or a few tokens longer
   * than it.
   */
  private String completion(Question question, int lineEnds) {
    StringBuilder text = new StringBuilder();
    TokenDecoder decoder = tokenizer.decoder();
    writer.likeliest(
        question.prompt(),
        question.answer().length + MORE_TOKENS,
        token -> lineEnds(text.append(decoder.accept(token))) < lineEnds);
    return text.append(decoder.finish()).toString();
  }

  private static int lineEnds(CharSequence text) {
    return (int) text.chars().filter(character -> character == '\n').count();
  }

  /** On one line, without its final line end, and at most a few lines long. */
  private static String quoted(String text) {
    String line = text.endsWith(PromptPairs.END) ? text.substring(0, text.length() - 1) : text;
    boolean isLong = line.codePointCount(0, line.length()) > QUOTED;
    String shown = isLong ? line.substring(0, line.offsetByCodePoints(0, QUOTED)) + "…" : line;
    return "\"" + shown.replace("\r", "\\r").replace("\n", "\\n") + "\"";
  }
}
