package dev.culebra.data;

import dev.culebra.random.Philox;
import dev.culebra.random.RandomStream;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Tokenizer;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sums of two numbers of N digits, made at random: {@code 12+34=640} is 12 + 34 = 046, its digits
 * turned round so that each follows from what stands before it. All numbers have leading zeros, so
 * every problem has 3N + 3 tokens. Only the digits of the sum are targets.
 *
 * <p>A tenth of all pairs, chosen by a hash, is held out: those are never trained on. Immutable and
 * thread-safe.
 *
 * @param digits N, from 1 to {@value #MAX_DIGITS}
 */
public record Addition(int digits) implements Dataset {
  /** With which a problem still fits into an int. */
  public static final int MAX_DIGITS = 8;

  private static final Pattern NAME = Pattern.compile("addition(?:-(\\d{1,3}))?");
  private static final int USUAL_DIGITS = 2;
  private static final String SYMBOLS = "\n+0123456789=";
  private static final int STREAM = 0x41000000;
  private static final int SPLIT_SHIFT = 20;
  private static final int MAX_MICRO_STEPS = 1 << SPLIT_SHIFT;
  private static final int HELD_OUT_SHARE = 10;
  private static final int HASH_SITE = 0x48454C44;

  /** A sum to be done. */
  public record Problem(int a, int b) {
    /** The right answer. */
    public int sum() {
      return a + b;
    }
  }

  public Addition {
    if (digits < 1 || digits > MAX_DIGITS) {
      throw new DataException(
          "addition takes numbers of 1 to %d digits, not %d".formatted(MAX_DIGITS, digits));
    }
  }

  /**
   * The dataset called {@code addition} or {@code addition-N}, if that is its name.
   *
   * @throws DataException if N is impossible
   */
  public static Optional<Addition> find(String name) {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    String digits = matcher.group(1);
    return Optional.of(new Addition(digits == null ? USUAL_DIGITS : Integer.parseInt(digits)));
  }

  @Override
  public String name() {
    return "addition-" + digits;
  }

  @Override
  public String describe() {
    return String.format(
        Locale.ROOT,
        "addition: sums of two numbers of %d digits, one in %d held out",
        digits,
        HELD_OUT_SHARE);
  }

  @Override
  public Tokenizer tokenizer() {
    return CharTokenizer.of(SYMBOLS);
  }

  /** T: a problem without its last digit, which has no successor. */
  public int context() {
    return 3 * digits + 2;
  }

  /** Tokens before the first digit of the answer. */
  public int questionLength() {
    return 2 * digits + 2;
  }

  /** Tokens of the answer. */
  public int answerLength() {
    return digits + 1;
  }

  @Override
  public void requireContext(int context) {
    if (context != context()) {
      throw new DataException(
          "sums of %d digits need --context %d, not %d: leave it out"
              .formatted(digits, context(), context));
    }
  }

  private int limit() {
    return (int) Math.pow(10, digits);
  }

  /** Whether a problem is never trained on. */
  public boolean isHeldOut(Problem problem) {
    int[] words = new int[4];
    Philox.words(words, problem.a(), problem.b(), HASH_SITE, digits, 0, 0);
    return Integer.remainderUnsigned(words[0], HELD_OUT_SHARE) == 0;
  }

  /** Held-out problems: all there are, or {@code most} of them drawn at random. */
  public List<Problem> heldOut(int most) {
    List<Problem> problems = new ArrayList<>();
    if ((long) limit() * limit() <= 100L * most) {
      for (int a = 0; a < limit(); a++) {
        for (int b = 0; b < limit(); b++) {
          addIfHeldOut(problems, new Problem(a, b));
        }
      }
      return List.copyOf(problems.subList(0, Math.min(most, problems.size())));
    }
    RandomStream random = new RandomStream(0, STREAM, 0);
    while (problems.size() < most) {
      addIfHeldOut(problems, draw(random));
    }
    return List.copyOf(problems);
  }

  private void addIfHeldOut(List<Problem> problems, Problem problem) {
    if (isHeldOut(problem)) {
      problems.add(problem);
    }
  }

  private Problem draw(RandomStream random) {
    return new Problem(random.nextInt(limit()), random.nextInt(limit()));
  }

  /** The problem up to {@code =}. */
  public String question(Problem problem) {
    return "%s+%s=".formatted(padded(problem.a(), digits), padded(problem.b(), digits));
  }

  /** The digits of a sum, turned round. */
  public String answer(int sum) {
    return new StringBuilder(padded(sum, answerLength())).reverse().toString();
  }

  private static String padded(int number, int width) {
    return String.format(Locale.ROOT, "%0" + width + "d", number);
  }

  @Override
  public Batches batches(Split split, long seed) {
    Tokenizer tokenizer = tokenizer();
    return (batch, step, microStep) -> {
      if (step < 0 || microStep < 0 || microStep >= MAX_MICRO_STEPS) {
        throw new IllegalArgumentException(
            "step %d, micro-step %d is out of range".formatted(step, microStep));
      }
      requireContext(batch.context());
      int stream = STREAM | (1 + split.ordinal()) << SPLIT_SHIFT | microStep;
      RandomStream random = new RandomStream(seed, stream, step);
      for (int row = 0; row < batch.batch(); row++) {
        fillRow(batch, row, drawOf(split, random), tokenizer);
      }
    };
  }

  private Problem drawOf(Split split, RandomStream random) {
    Problem problem = draw(random);
    while (isHeldOut(problem) != (split == Split.VALIDATION)) {
      problem = draw(random);
    }
    return problem;
  }

  private void fillRow(Batch batch, int row, Problem problem, Tokenizer tokenizer) {
    int[] tokens = tokenizer.encode(question(problem) + answer(problem.sum()));
    long first = (long) row * context();
    for (int t = 0; t < context(); t++) {
      boolean counts = t + 1 >= questionLength();
      batch.inputs().setAtIndex(ValueLayout.JAVA_INT, first + t, tokens[t]);
      batch
          .targets()
          .setAtIndex(ValueLayout.JAVA_INT, first + t, counts ? tokens[t + 1] : Batch.IGNORE);
    }
  }

  @Override
  public void close() {}
}
