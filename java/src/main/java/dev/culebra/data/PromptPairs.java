package dev.culebra.data;

import dev.culebra.data.PromptLines.Pair;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.UnknownCharacterException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Questions and answers from a JSON Lines file with one object with {@code prompt} and {@code
 * completion} per line. A row of a batch is one pair and a line end, padded; only the tokens of the
 * completion and the line end are targets. The last tenth of the lines, at least one, is for
 * validation, unless a {@link Holdout} says otherwise. Immutable and thread-safe.
 */
public final class PromptPairs implements Dataset {
  /** Identifies a file of pairs. */
  static final String ENDING = ".jsonl";

  /** The end of a completion. */
  public static final String END = "\n";

  /** The most pairs asked during training. */
  private static final int SHOWN = 1000;

  private static final int STREAM = 0x43000000;

  /** The tokens of a line. */
  private record Row(int line, Question question) {}

  private final String name;
  private final Tokenizer tokenizer;
  private final List<Row> rows;

  /** The rows of another file for validation; empty if there is none. */
  private final List<Row> others;

  private final String othersName;
  private final RowParts<Question> parts;

  private PromptPairs(
      String name,
      Tokenizer tokenizer,
      List<Row> rows,
      String othersName,
      List<Row> others,
      RowParts<Question> parts) {
    this.name = name;
    this.tokenizer = tokenizer;
    this.rows = List.copyOf(rows);
    this.othersName = othersName;
    this.others = List.copyOf(others);
    this.parts = parts;
  }

  /**
   * Reads a file for a new model, with the given tokenizer.
   *
   * @throws DataException if a line is not a pair, with its number
   * @throws IOException if the file cannot be read
   */
  static PromptPairs open(Path file, TokenizerChoice choice, Holdout holdout) throws IOException {
    Tokenizer tokenizer = choice.open().orElse(null);
    return open(file, tokenizer == null ? characters(file, holdout) : tokenizer, holdout);
  }

  /** The characters of a file and of the one for validation, that of {@link #END} among them. */
  static CharTokenizer characters(Path file, Holdout holdout) throws IOException {
    List<Pair> pairs = new ArrayList<>(PromptLines.read(file));
    if (holdout.isOtherData()) {
      pairs.addAll(PromptLines.read(Path.of(holdout.data())));
    }
    return charactersOf(pairs);
  }

  private static CharTokenizer charactersOf(List<Pair> pairs) {
    CharTokenizer.Builder characters = new CharTokenizer.Builder().add(END);
    pairs.forEach(pair -> characters.add(pair.prompt()).add(pair.completion()));
    return characters.build();
  }

  /**
   * Reads a file for a model that already has a tokenizer.
   *
   * @throws DataException with the line's number, if a line is not a pair or has a character that
   *     the tokenizer does not know
   * @throws IOException if the file cannot be read
   */
  static PromptPairs open(Path file, Tokenizer tokenizer, Holdout holdout) throws IOException {
    List<Row> rows = encode(file, tokenizer, PromptLines.read(file));
    String name = file.toString();
    if (!holdout.isOtherData()) {
      RowParts<Question> parts = RowParts.divide(name, questions(rows), holdout);
      return new PromptPairs(name, tokenizer, rows, name, List.of(), parts);
    }
    Path other = Path.of(holdout.data());
    List<Row> others = encode(other, tokenizer, PromptLines.read(other));
    return new PromptPairs(
        name,
        tokenizer,
        rows,
        holdout.data(),
        others,
        new RowParts<>(questions(rows), questions(others)));
  }

  private static List<Question> questions(List<Row> rows) {
    return rows.stream().map(Row::question).toList();
  }

  private static List<Row> encode(Path file, Tokenizer tokenizer, List<Pair> pairs)
      throws IOException {
    requireEnd(file, tokenizer);
    List<Row> rows = new ArrayList<>();
    for (Pair pair : pairs) {
      String field = "prompt";
      try {
        int[] prompt = tokenizer.encode(pair.prompt());
        field = "completion";
        int[] completion = tokenizer.encode(pair.completion() + END);
        rows.add(new Row(pair.line(), new Question(prompt, completion)));
      } catch (UnknownCharacterException e) {
        throw new DataException(
            "%s:%d: \"%s\": %s; all that it does not know: %s"
                .formatted(file, pair.line(), field, e.getMessage(), unknown(pairs, tokenizer)),
            e);
      }
    }
    return rows;
  }

  /** A model trained on one long line has no token for the end of an answer. */
  private static void requireEnd(Path file, Tokenizer tokenizer) {
    try {
      tokenizer.encode(END);
    } catch (UnknownCharacterException e) {
      throw new DataException(
          "%s: the model has no token for a line's end, which ends every completion"
              .formatted(file),
          e);
    }
  }

  private static String unknown(List<Pair> pairs, Tokenizer tokenizer) throws IOException {
    StringBuilder text = new StringBuilder();
    pairs.forEach(pair -> text.append(pair.prompt()).append(pair.completion()));
    TextSource source = TextSource.of("pairs", text.toString());
    KnownCharacters known = new KnownCharacters(source, (CharTokenizer) tokenizer);
    known.read(piece -> {});
    return known.leftOut();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String describe() {
    return String.format(
        Locale.ROOT,
        "%s: %,d pairs to train on, %,d to validate on, a vocabulary of %,d",
        name,
        parts.train().size(),
        parts.validation().size(),
        tokenizer.vocab());
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** The pairs of a part, in the order of their lines, each completion followed by {@link #END}. */
  public List<Question> questions(Split split) {
    return split == Split.TRAIN ? parts.train() : parts.validation();
  }

  @Override
  public void requireContext(int context) {
    requireContext(context, name, rows);
    requireContext(context, othersName, others);
  }

  private static void requireContext(int context, String name, List<Row> rows) {
    Row tooLong = rows.stream().filter(row -> needed(row) > context).findFirst().orElse(null);
    if (tooLong != null) {
      int most = rows.stream().mapToInt(PromptPairs::needed).max().getAsInt();
      String all = most == needed(tooLong) ? "" : "; all lines need %d".formatted(most);
      throw new DataException(
          "%s:%d: prompt and completion have %d tokens, which needs a context of %d, not %d%s"
              .formatted(
                  name,
                  tooLong.line(),
                  tooLong.question().length(),
                  needed(tooLong),
                  context,
                  all));
    }
  }

  /** The last token has no successor. */
  private static int needed(Row row) {
    return row.question().length() - 1;
  }

  @Override
  public Showcase showcase(Learner learner) {
    List<Question> asked = parts.validation();
    List<Question> some = asked.subList(0, Math.min(SHOWN, asked.size()));
    return new ExactCompletions(learner, tokenizer, some, "validation prompts");
  }

  /** For all validation pairs: the loss of their completions, and the number of exact ones. */
  @Override
  public Measurement measure(Learner learner) {
    return measure(learner, parts.validation(), "validation prompts", Measurement.VALIDATION);
  }

  @Override
  public Optional<Measurement> measureWhole(Learner learner) {
    return Optional.of(measure(learner, questions(rows), "all prompts", Measurement.WHOLE));
  }

  private Measurement measure(
      Learner learner, List<Question> questions, String prompts, String part) {
    requireContext(learner.context());
    ExactCompletions completions = new ExactCompletions(learner, tokenizer, questions, prompts);
    ExactCompletions.Result result = completions.ask(() -> false);
    long bytes =
        questions.stream().mapToLong(question -> TextBytes.of(question.answer(), tokenizer)).sum();
    Measurement loss = result.loss().of(name, part, "tokens of completions", bytes);
    Map<String, Object> figures = new LinkedHashMap<>(loss.figures());
    figures.put("pairs", result.score().asked());
    figures.put("right", result.score().right());
    return new Measurement(result + loss.text(), figures);
  }

  @Override
  public Optional<DataChecksum> checksum() {
    return Optional.of(DataChecksum.ofRows(partsOf(parts.train()), partsOf(parts.validation())));
  }

  private static List<List<int[]>> partsOf(List<Question> questions) {
    return questions.stream()
        .map(question -> List.of(question.prompt(), question.answer()))
        .toList();
  }

  @Override
  public Optional<Asking> asking() {
    return Optional.of(new Asking("", 0));
  }

  @Override
  public Batches batches(Split split, long seed) {
    List<Question> questions = questions(split);
    return new QuestionBatches(
        seed, STREAM, split.ordinal(), random -> questions.get(random.nextInt(questions.size())));
  }

  @Override
  public void close() {}
}
