package dev.culebra.data;

import dev.culebra.data.Message.Role;
import dev.culebra.data.PromptLines.Conversation;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.TokenDecoder;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.UnknownCharacterException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Conversations of several turns from a file of JSON Lines, one object with {@code messages} per
 * line: {@code {"role": "user", "content": "…"}}, with the roles {@code system}, {@code user} and
 * {@code assistant}. A row of a batch is one conversation in the tokenizer's {@link ChatFormat},
 * padded; only the assistant's answers and their ends are targets. The last tenth of the lines, at
 * least one, is for validation. Immutable and thread-safe.
 */
public final class Conversations implements Dataset {
  private static final int STREAM = 0x44000000;
  private static final int SHOWN = 3;

  /** Tokens by which an answer may be longer than its conversation. */
  private static final int MORE_TOKENS = 20;

  /**
   * A conversation.
   *
   * @param line it was read from
   * @param counts whether each token is a target
   * @param asked the messages up to the first answer
   */
  private record Row(int line, int[] tokens, boolean[] counts, List<Message> asked)
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
  }

  private final String name;
  private final Tokenizer tokenizer;
  private final ChatFormat format;
  private final List<Row> rows;
  private final int trainRows;

  private Conversations(String name, Tokenizer tokenizer, ChatFormat format, List<Row> rows) {
    this.name = name;
    this.tokenizer = tokenizer;
    this.format = format;
    this.rows = List.copyOf(rows);
    this.trainRows = rows.size() - Math.max(1, rows.size() / 10);
  }

  /**
   * Reads a file for a new model, with the chosen tokenizer.
   *
   * @throws DataException with the line's number, if a line is not a conversation
   * @throws IOException if the file cannot be read
   */
  static Conversations open(Path file, TokenizerChoice choice) throws IOException {
    Tokenizer tokenizer = choice.open().orElse(null);
    return open(file, tokenizer == null ? characters(file) : tokenizer);
  }

  /** The characters of a file, and the line feed. */
  static CharTokenizer characters(Path file) throws IOException {
    CharTokenizer.Builder characters = new CharTokenizer.Builder().add(PromptPairs.END);
    for (Conversation conversation : PromptLines.conversations(file)) {
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
  static Conversations open(Path file, Tokenizer tokenizer) throws IOException {
    ChatFormat format = ChatFormat.of(tokenizer);
    List<Row> rows = new ArrayList<>();
    for (Conversation conversation : PromptLines.conversations(file)) {
      try {
        rows.add(row(conversation, format, tokenizer));
      } catch (UnknownCharacterException e) {
        throw new DataException(
            "%s:%d: %s".formatted(file, conversation.line(), e.getMessage()), e);
      }
    }
    return new Conversations(file.toString(), tokenizer, format, rows);
  }

  private static Row row(Conversation conversation, ChatFormat format, Tokenizer tokenizer) {
    ChatTokens tokens = new ChatTokens(format, tokenizer);
    List<Message> asked = new ArrayList<>();
    boolean answered = false;
    for (Message message : conversation.messages()) {
      answered |= message.role() == Role.ASSISTANT;
      if (!answered) {
        asked.add(message);
      }
      tokens.add(message);
    }
    return new Row(conversation.line(), tokens.tokens(), tokens.counts(), asked);
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
        trainRows,
        rows.size() - trainRows,
        format,
        tokenizer.vocab());
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  private List<Row> rows(Split split) {
    return split == Split.TRAIN ? rows.subList(0, trainRows) : rows.subList(trainRows, rows.size());
  }

  @Override
  public void requireContext(int context) {
    for (Row row : rows) {
      if (row.needed() > context) {
        throw new DataException(
            "%s:%d: the conversation has %d tokens, which needs a context of %d, not %d; all lines need %d"
                .formatted(
                    name,
                    row.line(),
                    row.tokens().length,
                    row.needed(),
                    context,
                    rows.stream().mapToInt(Row::needed).max().getAsInt()));
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
    return measure(learner, rows(Split.VALIDATION)).of(name);
  }

  @Override
  public Optional<Measurement> measureWhole(Learner learner) {
    return Optional.of(measure(learner, rows).of(name, Measurement.WHOLE, 0));
  }

  private MeanLoss measure(Learner learner, List<Row> measured) {
    requireContext(learner.context());
    int batch = learner.batch();
    return learner.loss(
        (into, step, micro) -> {
          into.clear();
          int from = step * batch;
          for (int row = 0; row < batch && from + row < measured.size(); row++) {
            measured.get(from + row).fill(into, row);
          }
        },
        Math.ceilDiv(measured.size(), batch));
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
