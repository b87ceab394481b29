package dev.culebra.examples.arithmetic;

import dev.culebra.data.Asking;
import dev.culebra.data.Batches;
import dev.culebra.data.DataException;
import dev.culebra.data.Dataset;
import dev.culebra.data.Learner;
import dev.culebra.data.Measurement;
import dev.culebra.data.Question;
import dev.culebra.data.QuestionBatches;
import dev.culebra.data.Showcase;
import dev.culebra.data.Split;
import dev.culebra.random.Philox;
import dev.culebra.random.RandomStream;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Random problems with two numbers of N digits; each {@link Operation} says how it is written.
 * Numbers have leading zeros and short answers are padded with line ends, so that every problem has
 * the same number of tokens. Only the answer is a target. All operations are equally frequent, and
 * so are all numbers.
 *
 * <p>A tenth of all problems, chosen by a hash, is held out and never trained on. Immutable and
 * thread-safe.
 *
 * @param digits N, from 1 to {@value #MAX_DIGITS}
 */
public record Arithmetic(Kind kind, int digits) implements Dataset {
  /** With this many digits a number fits into an int and a product into a long. */
  public static final int MAX_DIGITS = 8;

  private static final Pattern NAME = Pattern.compile("([a-z]+)(?:-(\\d{1,3}))?");
  private static final int USUAL_DIGITS = 2;
  private static final String PADDING = "\n";
  private static final int STREAM = 0x41000000;
  private static final int HELD_OUT_SHARE = 10;
  private static final int HASH_SITE = 0x48454C44;

  /** Kinds of problems. */
  public enum Kind {
    /** Sums. */
    ADDITION("sums of two numbers", "\n+0123456789=", Operation.PLUS),

    /** All four operations. */
    CALCULATOR("+ - * / with two numbers", "\n*+-/0123456789=r", Operation.values());

    private final String what;
    private final String symbols;
    private final List<Operation> operations;

    Kind(String what, String symbols, Operation... operations) {
      this.what = what;
      this.symbols = symbols;
      this.operations = List.of(operations);
    }

    /** The name on the command line: {@code addition}. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** A description: {@code sums of two numbers}. */
    public String what() {
      return what;
    }

    /** Its operations. */
    public List<Operation> operations() {
      return operations;
    }

    /** The kind with this label, if there is one. */
    public static Optional<Kind> find(String label) {
      return Arrays.stream(values()).filter(kind -> kind.label().equals(label)).findFirst();
    }
  }

  /** A problem to solve. */
  public record Problem(Operation operation, int a, int b) {
    /** With the right result, in usual notation: {@code 12 + 34 = 46}. */
    @Override
    public String toString() {
      return withResult(operation.result(a, b));
    }

    private String withResult(String result) {
      return "%d %c %d = %s".formatted(a, operation.symbol(), b, result);
    }

    /** In usual notation, with a model's answer and whether it is right. */
    public String judged(String answer, boolean isRight) {
      String verdict = isRight ? "right" : "wrong, it is " + operation.result(a, b);
      return withResult(operation.readable(answer)) + "  " + verdict;
    }
  }

  public Arithmetic {
    if (digits < 1 || digits > MAX_DIGITS) {
      throw new DataException(
          "%s takes numbers of 1 to %d digits, not %d".formatted(kind.label(), MAX_DIGITS, digits));
    }
  }

  /**
   * The dataset named {@code addition}, {@code calculator-N} and so on; empty for other names.
   *
   * @throws DataException if N is out of range
   */
  public static Optional<Arithmetic> find(String name) {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    int digits = matcher.group(2) == null ? USUAL_DIGITS : Integer.parseInt(matcher.group(2));
    return Kind.find(matcher.group(1)).map(kind -> new Arithmetic(kind, digits));
  }

  @Override
  public String name() {
    return kind.label() + "-" + digits;
  }

  @Override
  public String describe() {
    return String.format(
        Locale.ROOT,
        "%s: %s of %d digits, one in %d held out",
        kind.label(),
        kind.what(),
        digits,
        HELD_OUT_SHARE);
  }

  @Override
  public Tokenizer tokenizer() {
    return CharTokenizer.of(kind.symbols);
  }

  /** T: a problem without its last token, which has no successor. */
  public int context() {
    return questionLength() + answerLength() - 1;
  }

  /** Number of tokens before the answer. */
  private int questionLength() {
    return 2 * digits + 2;
  }

  /** Number of tokens of the longest answer. */
  public int answerLength() {
    return kind.operations.stream().mapToInt(o -> o.answerLength(digits)).max().getAsInt();
  }

  @Override
  public void requireContext(int context) {
    if (context != context()) {
      throw new DataException(
          "%s of %d digits need a context of %d tokens, not %d"
              .formatted(kind.what(), digits, context(), context));
    }
  }

  private int limit() {
    return (int) Math.pow(10, digits);
  }

  /** Whether a problem is never trained on. */
  public boolean isHeldOut(Problem problem) {
    int a = problem.a();
    int b = problem.b();
    // Otherwise a product would be known from its mirror image. For sums alone, keep what older
    // runs held out.
    if (problem.operation().commutes() && kind != Kind.ADDITION) {
      a = Math.min(problem.a(), problem.b());
      b = Math.max(problem.a(), problem.b());
    }
    int[] words = new int[4];
    Philox.words(words, a, b, HASH_SITE, digits, problem.operation().ordinal(), 0);
    return Integer.remainderUnsigned(words[0], HELD_OUT_SHARE) == 0;
  }

  /**
   * Held-out problems, grouped by operation, the same number of each: all of them, or at most
   * {@code most} of each, drawn at random.
   */
  public List<Problem> heldOut(int most) {
    List<List<Problem>> found = kind.operations.stream().map(o -> heldOut(o, most)).toList();
    int each = Math.min(most, found.stream().mapToInt(List::size).min().getAsInt());
    List<Problem> problems = new ArrayList<>();
    for (List<Problem> some : found) {
      for (int i = 0; i < each; i++) {
        problems.add(some.get((int) ((long) i * some.size() / each)));
      }
    }
    return List.copyOf(problems);
  }

  private List<Problem> heldOut(Operation operation, int most) {
    List<Problem> problems = new ArrayList<>();
    if ((long) limit() * limit() <= 100L * most) {
      for (int a = 0; a < limit(); a++) {
        for (int b = operation.leastSecond(); b < limit(); b++) {
          addIfHeldOut(problems, new Problem(operation, a, b));
        }
      }
      return problems;
    }
    RandomStream random = new RandomStream(0, STREAM, operation.ordinal());
    while (problems.size() < most) {
      addIfHeldOut(problems, draw(operation, random));
    }
    return problems;
  }

  private void addIfHeldOut(List<Problem> problems, Problem problem) {
    if (isHeldOut(problem)) {
      problems.add(problem);
    }
  }

  private Problem draw(Operation operation, RandomStream random) {
    int least = operation.leastSecond();
    return new Problem(operation, random.nextInt(limit()), least + random.nextInt(limit() - least));
  }

  /** The problem up to {@code =}. */
  public String question(Problem problem) {
    return Operation.padded(problem.a(), digits)
        + problem.operation().symbol()
        + Operation.padded(problem.b(), digits)
        + "=";
  }

  /** The right answer as a model should write it, without trailing line ends. */
  public String answer(Problem problem) {
    return problem.operation().answer(problem.a(), problem.b(), digits);
  }

  /** Problems and their answers, padded with line ends to the length of the longest. */
  public List<Question> questions(List<Problem> problems) {
    Tokenizer tokenizer = tokenizer();
    return problems.stream().map(problem -> tokens(problem, tokenizer)).toList();
  }

  private Question tokens(Problem problem, Tokenizer tokenizer) {
    String answer = answer(problem);
    String padding = PADDING.repeat(answerLength() - answer.length());
    return new Question(tokenizer.encode(question(problem)), tokenizer.encode(answer + padding));
  }

  @Override
  public Batches batches(Split split, long seed) {
    Tokenizer tokenizer = tokenizer();
    return new QuestionBatches(
        seed, STREAM, 1 + split.ordinal(), random -> tokens(drawOf(split, random), tokenizer));
  }

  @Override
  public Showcase showcase(Learner learner) {
    ExactAnswers exact = new ExactAnswers(learner, this);
    return abandon -> {
      ExactAnswers.Result result = exact.ask(abandon);
      return result == null ? null : result.toString();
    };
  }

  /** Counts the held-out problems that are answered exactly, for each operation. */
  @Override
  public Measurement measure(Learner learner) {
    requireContext(learner.context());
    ExactAnswers.Result result = new ExactAnswers(learner, this).ask(() -> false);
    return new Measurement(result.toString(), result.figures());
  }

  @Override
  public Optional<Asking> asking() {
    return Optional.of(new Asking(question(heldOut(1).getLast()), answerLength()));
  }

  private Problem drawOf(Split split, RandomStream random) {
    List<Operation> all = kind.operations;
    Operation operation = all.size() == 1 ? all.getFirst() : all.get(random.nextInt(all.size()));
    Problem problem = draw(operation, random);
    while (isHeldOut(problem) != (split == Split.VALIDATION)) {
      problem = draw(operation, random);
    }
    return problem;
  }

  @Override
  public void close() {}
}
