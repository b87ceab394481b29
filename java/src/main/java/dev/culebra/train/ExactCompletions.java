package dev.culebra.train;

import dev.culebra.data.PromptPairs;
import dev.culebra.data.Question;
import dev.culebra.data.Split;
import dev.culebra.nn.Gpt;
import dev.culebra.text.TokenDecoder;
import dev.culebra.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Lets a model complete the prompts of the validation part: how likely it finds the right
 * completions, and which of them it writes to the last token when it always takes the likeliest.
 * Shares the model's weights and has activations of its own.
 */
public final class ExactCompletions implements Showcase {
  /** Most pairs that are asked during a training. */
  static final int SHOWN = 1000;

  private static final int EXAMPLES = 5;
  private static final int MORE_TOKENS = 20;
  private static final int QUOTED = 200;

  private final Tokenizer tokenizer;
  private final List<Question> questions;
  private final Examiner examiner;

  /**
   * How it went.
   *
   * @param loss mean over the tokens of all completions and what ends them, in nats a token
   * @param tokens how many were predicted
   * @param score of all pairs
   * @param examples pairs at even distances with the model's completions, a line each
   */
  public record Result(double loss, long tokens, Score score, List<String> examples) {
    public Result {
      examples = List.copyOf(examples);
    }

    /** exp(loss): as uncertain as a choice among so many equally likely tokens. */
    public double perplexity() {
      return Math.exp(loss);
    }

    /** For people. */
    @Override
    public String toString() {
      List<String> lines = new ArrayList<>(examples);
      lines.add("exact completions of validation prompts: " + score);
      return String.join(System.lineSeparator(), lines) + System.lineSeparator();
    }
  }

  /**
   * For {@code model}, which must outlive this, and all or the first {@code most} pairs, up to
   * {@code batch} at once.
   */
  public ExactCompletions(Gpt model, PromptPairs data, int batch, int most) {
    List<Question> all = data.questions(Split.VALIDATION);
    tokenizer = data.tokenizer();
    questions = all.subList(0, Math.min(most, all.size()));
    examiner = new Examiner(model, questions, batch);
  }

  @Override
  public String write(BooleanSupplier abandon) {
    Result result = ask(abandon);
    return result == null ? null : result.toString();
  }

  /** Asks; waits for the device. */
  public Result ask() {
    return ask(() -> false);
  }

  private Result ask(BooleanSupplier abandon) {
    Examiner.Result result = examiner.ask(abandon);
    if (result == null) {
      return null;
    }
    return new Result(
        result.lossSum() / result.tokens(),
        result.tokens(),
        new Score(result.right(), questions.size()),
        examples());
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

  /** Up to as many line ends as the right one has, or a few tokens longer than that one. */
  private String completion(Question question, int lineEnds) {
    StringBuilder text = new StringBuilder();
    TokenDecoder decoder = tokenizer.decoder();
    examiner.write(
        question,
        question.answer().length + MORE_TOKENS,
        token -> lineEnds(text.append(decoder.accept(token))) < lineEnds);
    return text.append(decoder.finish()).toString();
  }

  private static int lineEnds(CharSequence text) {
    return (int) text.chars().filter(character -> character == '\n').count();
  }

  /** On one line, without the line's end that ends it, and not longer than a few lines. */
  private static String quoted(String text) {
    String line = text.endsWith(PromptPairs.END) ? text.substring(0, text.length() - 1) : text;
    boolean isLong = line.codePointCount(0, line.length()) > QUOTED;
    String shown = isLong ? line.substring(0, line.offsetByCodePoints(0, QUOTED)) + "…" : line;
    return "\"" + shown.replace("\r", "\\r").replace("\n", "\\n") + "\"";
  }

  @Override
  public void close() {
    examiner.close();
  }
}
