package dev.culebra.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.culebra.data.Message.Role;
import dev.culebra.data.PromptLines.Conversation;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.TokenDecoder;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.UnknownCharacterException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Conversations of several turns from a file of JSON Lines, one object with {@code messages} per
 * line: {@code {"role": "user", "content": "…"}}, with the roles {@code system}, {@code user} and
 * {@code assistant}. A row of a batch is one conversation in the tokenizer's {@link ChatFormat},
 * padded; only the assistant's answers and their ends are targets. The last tenth of the lines, at
 * least one, is for validation, unless a {@link Holdout} says otherwise. Immutable and thread-safe.
 */
public final class Conversations implements Dataset {
  private static final int STREAM = 0x44000000;
  private static final int SHOWN = 3;

  /** Tokens by which an answer may be longer than its conversation. */
  private static final int MORE_TOKENS = 20;

  /**
   * A conversation.
   *
   * @param line it was read from, FILE:LINE
   * @param counts whether each token is a target
   * @param answerBytes of its answers in UTF-8; an end that is a special token has none
   * @param asked the messages up to the first answer
   */
  private record Row(
      String line, int[] tokens, boolean[] counts, long answerBytes, List<Message> asked)
      implements BatchRow {
    @Override
    public void fill(Batch batch, int row) {
      for (int t = 0; t < batch.context(); t++) {
        boolean counted = t + 1 < tokens.length && counts[t + 1];
        batch.set(
            row, t, t < tokens.length ? tokens[t] : 0, counted ? tokens[t + 1] : Batch.IGNORE);
      }
    }

    /** The last token has no successor. */
    int needed() {
      return tokens.length - 1;
    }

    /** Tokens that are no targets, then targets, and so on. */
    List<int[]> parts() {
      List<int[]> parts = new ArrayList<>();
      boolean counted = false;
      for (int from = 0; from < tokens.length; counted = !counted) {
        int end = from;
        while (end < tokens.length && counts[end] == counted) {
          end++;
        }
        parts.add(Arrays.copyOfRange(tokens, from, end));
        from = end;
      }
      return parts;
    }
  }

  private final String name;
  private final Tokenizer tokenizer;
  private final ChatFormat format;
  private final List<Row> rows;
  private final RowParts<Row> parts;

  private Conversations(
      String name, Tokenizer tokenizer, ChatFormat format, List<Row> rows, RowParts<Row> parts) {
    this.name = name;
    this.tokenizer = tokenizer;
    this.format = format;
    this.rows = List.copyOf(rows);
    this.parts = parts;
  }

  /**
   * Reads a file for a new model, with the chosen tokenizer.
   *
   * @throws DataException with the line's number, if a line is not a conversation
   * @throws IOException if the file cannot be read
   */
  static Conversations open(Path file, TokenizerChoice choice, Holdout holdout) throws IOException {
    Tokenizer tokenizer = choice.open().orElse(null);
    return open(file, tokenizer == null ? characters(file, holdout) : tokenizer, holdout);
  }

  /** The characters of a file and of the one for validation, and the line feed. */
  static CharTokenizer characters(Path file, Holdout holdout) throws IOException {
    List<Conversation> conversations = new ArrayList<>(PromptLines.conversations(file));
    if (holdout.isOtherData()) {
      conversations.addAll(PromptLines.conversations(Path.of(holdout.data())));
    }
    CharTokenizer.Builder characters = new CharTokenizer.Builder().add(PromptPairs.END);
    for (Conversation conversation : conversations) {
      conversation.messages().forEach(message -> characters.add(message.content()));
    }
    return characters.build();
  }

  /**
   * Reads a file for a model that has a tokenizer already.
   *
   * @throws DataException with the line's number, if a line is not a conversation or has a
   *     character that the tokenizer lacks
   * @throws IOException if the file cannot be read
   */
  static Conversations open(Path file, Tokenizer tokenizer, Holdout holdout) throws IOException {
    ChatFormat format = ChatFormat.of(tokenizer);
    String name = file.toString();
    List<Row> rows = rows(file, format, tokenizer);
    RowParts<Row> parts =
        holdout.isOtherData()
            ? new RowParts<>(rows, rows(Path.of(holdout.data()), format, tokenizer))
            : RowParts.divide(name, rows, holdout);
    return new Conversations(name, tokenizer, format, rows, parts);
  }

  private static List<Row> rows(Path file, ChatFormat format, Tokenizer tokenizer)
      throws IOException {
    List<Row> rows = new ArrayList<>();
    for (Conversation conversation : PromptLines.conversations(file)) {
      String line = "%s:%d".formatted(file, conversation.line());
      try {
        rows.add(row(line, conversation, format, tokenizer));
      } catch (UnknownCharacterException e) {
        throw new DataException("%s: %s".formatted(line, e.getMessage()), e);
      }
    }
    return rows;
  }

  private static Row row(
      String line, Conversation conversation, ChatFormat format, Tokenizer tokenizer) {
    ChatTokens tokens = new ChatTokens(format, tokenizer);
    List<Message> asked = new ArrayList<>();
    boolean answered = false;
    long answerBytes = 0;
    for (Message message : conversation.messages()) {
      if (message.role() == Role.ASSISTANT) {
        answered = true;
        answerBytes += (format.content(message) + tokens.endText()).getBytes(UTF_8).length;
      } else if (!answered) {
        asked.add(message);
      }
      tokens.add(message);
    }
    return new Row(line, tokens.tokens(), tokens.counts(), answerBytes, asked);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String describe() {
    return String.format(
        Locale.ROOT,
        "%s: %,d conversations to train on, %,d to validate on, in the format %s, a vocabulary of"
            + " %,d",
        name,
        parts.train().size(),
        parts.validation().size(),
        format,
        tokenizer.vocab());
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  private List<Row> rows(Split split) {
    return split == Split.TRAIN ? parts.train() : parts.validation();
  }

  @Override
  public void requireContext(int context) {
    List<Row> all = Stream.of(parts.train(), parts.validation()).flatMap(List::stream).toList();
    for (Row row : all) {
      if (row.needed() > context) {
        throw new DataException(
            "%s: the conversation has %d tokens, which needs a context of %d, not %d; all lines need %d"
                .formatted(
                    row.line(),
                    row.tokens().length,
                    row.needed(),
                    context,
                    all.stream().mapToInt(Row::needed).max().getAsInt()));
      }
    }
  }

  @Override
  public Batches batches(Split split, long seed) {
    List<Row> drawn = rows(split);
    return new QuestionBatches(
        seed, STREAM, split.ordinal(), random -> drawn.get(random.nextInt(drawn.size())));
  }

  /** The loss over all answers of the validation part. */
  @Override
  public Measurement measure(Learner learner) {
    return measure(learner, rows(Split.VALIDATION), Measurement.VALIDATION);
  }

  @Override
  public Optional<Measurement> measureWhole(Learner learner) {
    return Optional.of(measure(learner, rows, Measurement.WHOLE));
  }

  private Measurement measure(Learner learner, List<Row> measured, String part) {
    requireContext(learner.context());
    int batch = learner.batch();
    MeanLoss loss =
        learner.loss(
            (into, step, micro) -> {
              into.clear();
              int from = step * batch;
              for (int row = 0; row < batch && from + row < measured.size(); row++) {
                measured.get(from + row).fill(into, row);
              }
            },
            Math.ceilDiv(measured.size(), batch));
    long bytes = measured.stream().mapToLong(Row::answerBytes).sum();
    return loss.of(name, part, "tokens of answers", bytes);
  }

  @Override
  public Optional<DataChecksum> checksum() {
    return Optional.of(DataChecksum.ofRows(partsOf(parts.train()), partsOf(parts.validation())));
  }

  private static List<List<int[]>> partsOf(List<Row> rows) {
    return rows.stream().map(Row::parts).toList();
  }

  /** The likeliest answers to the first questions of the validation part. */
  @Override
  public Showcase showcase(Learner learner) {
    Learner.Writer writer = learner.writer();
    List<Row> validation = rows(Split.VALIDATION);
    List<Row> shown = validation.subList(0, Math.min(SHOWN, validation.size()));
    return abandon -> {
      StringBuilder text = new StringBuilder();
      for (Row row : shown) {
        if (abandon.getAsBoolean()) {
          return null;
        }
        for (Message message : row.asked()) {
          text.append("%s: %s%n".formatted(message.role().label(), message.content()));
        }
        text.append("%s: %s%n%n".formatted(Role.ASSISTANT.label(), answer(writer, row)));
      }
      return text.toString();
    };
  }

  private String answer(Learner.Writer writer, Row row) {
    ChatTokens tokens = new ChatTokens(format, tokenizer);
    row.asked().forEach(tokens::add);
    tokens.beginAnswer();
    int[] prompt = tokens.length() == 0 ? tokenizer.start() : tokens.tokens();
    StringBuilder text = new StringBuilder();
    TokenDecoder decoder = tokenizer.decoder();
    writer.likeliest(
        prompt,
        row.tokens().length + MORE_TOKENS,
        token -> {
          if (tokens.isEnd(token)) {
            return false;
          }
          text.append(decoder.accept(token));
          return tokens.endText().isEmpty() || text.indexOf(tokens.endText()) < 0;
        });
    return text.append(decoder.finish()).toString().strip();
  }
}
