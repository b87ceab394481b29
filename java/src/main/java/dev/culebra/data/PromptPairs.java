package dev.culebra.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.culebra.io.FileErrors;
import dev.culebra.random.RandomStream;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.TokenizerKind;
import dev.culebra.text.UnknownCharacterException;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Questions with their answers from a file of JSON Lines, an object with {@code prompt} and {@code
 * completion} a line. A row of a batch is one pair and a line's end, padded; only the tokens of the
 * completion and that end are targets. The last tenth of the lines, at least one, is for
 * validation. Immutable and thread-safe.
 */
public final class PromptPairs implements Dataset {
  /** How a file of pairs is told from other text. */
  static final String ENDING = ".jsonl";

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  private static final String END = "\n";
  private static final int STREAM = 0x43000000;
  private static final int SPLIT_SHIFT = 20;
  private static final int MAX_MICRO_STEPS = 1 << SPLIT_SHIFT;
  private static final int LEAST_PAIRS = 2;

  /** The texts of a line. */
  private record Pair(int line, String prompt, String completion) {}

  /** The tokens of a line; those from {@code firstTarget} on are to be learned. */
  private record Row(int line, int[] tokens, int firstTarget) {}

  private final String name;
  private final Tokenizer tokenizer;
  private final List<Row> train;
  private final List<Row> validation;

  private PromptPairs(String name, Tokenizer tokenizer, List<Row> rows) {
    this.name = name;
    this.tokenizer = tokenizer;
    int end = rows.size() - Math.max(1, rows.size() / 10);
    train = List.copyOf(rows.subList(0, end));
    validation = List.copyOf(rows.subList(end, rows.size()));
  }

  /**
   * Reads a file for a new model, whose tokenizer is of the kind asked for.
   *
   * @throws DataException if a line is no pair, with its number
   * @throws IOException if the file cannot be read
   */
  static PromptPairs open(Path file, TokenizerKind kind) throws IOException {
    List<Pair> pairs = read(file);
    Tokenizer tokenizer =
        switch (kind) {
          case GPT2 -> new Gpt2Tokenizer();
          case CHAR -> {
            CharTokenizer.Builder characters = new CharTokenizer.Builder().add(END);
            pairs.forEach(pair -> characters.add(pair.prompt()).add(pair.completion()));
            yield characters.build();
          }
        };
    return encode(file, tokenizer, pairs);
  }

  /**
   * Reads a file for a model that has a tokenizer already.
   *
   * @throws DataException if a line is no pair, or holds a character that the tokenizer does not
   *     know; with its number
   * @throws IOException if the file cannot be read
   */
  static PromptPairs open(Path file, Tokenizer tokenizer) throws IOException {
    return encode(file, tokenizer, read(file));
  }

  private static List<Pair> read(Path file) throws IOException {
    List<Pair> pairs = new ArrayList<>();
    int number = 0;
    for (String line : lines(file)) {
      number++;
      if (!line.isBlank()) {
        pairs.add(pair(file, number, line));
      }
    }
    if (pairs.size() < LEAST_PAIRS) {
      throw new DataException(
          "%s: needs at least %d lines, to train on and to validate on"
              .formatted(file, LEAST_PAIRS));
    }
    return pairs;
  }

  private static List<String> lines(Path file) throws IOException {
    try {
      return Files.readAllLines(file);
    } catch (CharacterCodingException e) {
      throw new DataException(file + " is not UTF-8", e);
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  private static Pair pair(Path file, int number, String line) {
    JsonNode json;
    try {
      json = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      throw new DataException("%s:%d: is not one JSON object".formatted(file, number), e);
    }
    return new Pair(
        number, text(file, number, json, "prompt"), text(file, number, json, "completion"));
  }

  private static String text(Path file, int number, JsonNode json, String field) {
    JsonNode value = json.get(field);
    if (value == null || !value.isTextual() || value.asText().isEmpty()) {
      throw new DataException(
          "%s:%d: needs a text that is not empty as \"%s\"".formatted(file, number, field));
    }
    return value.asText();
  }

  private static PromptPairs encode(Path file, Tokenizer tokenizer, List<Pair> pairs) {
    List<Row> rows = new ArrayList<>();
    for (Pair pair : pairs) {
      try {
        int[] prompt = tokenizer.encode(pair.prompt());
        int[] completion = tokenizer.encode(pair.completion() + END);
        int[] tokens = new int[prompt.length + completion.length];
        System.arraycopy(prompt, 0, tokens, 0, prompt.length);
        System.arraycopy(completion, 0, tokens, prompt.length, completion.length);
        rows.add(new Row(pair.line(), tokens, prompt.length));
      } catch (UnknownCharacterException e) {
        throw new DataException("%s:%d: %s".formatted(file, pair.line(), e.getMessage()), e);
      }
    }
    return new PromptPairs(file.toString(), tokenizer, rows);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String describe() {
    return String.format(
        Locale.ROOT,
        "%s: %,d pairs to train on, %,d to validate on, %d different tokens",
        name,
        train.size(),
        validation.size(),
        tokenizer.vocab());
  }

  @Override
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** Pairs of a part. */
  private List<Row> rows(Split split) {
    return split == Split.TRAIN ? train : validation;
  }

  @Override
  public void requireContext(int context) {
    for (Split split : Split.values()) {
      for (Row row : rows(split)) {
        if (row.tokens().length > context + 1) {
          throw new DataException(
              "%s:%d: prompt and completion have %d tokens, which needs --context %d, not %d"
                  .formatted(
                      name, row.line(), row.tokens().length, row.tokens().length - 1, context));
        }
      }
    }
  }

  @Override
  public Batches batches(Split split, long seed) {
    List<Row> rows = rows(split);
    return (batch, step, microStep) -> {
      if (step < 0 || microStep < 0 || microStep >= MAX_MICRO_STEPS) {
        throw new IllegalArgumentException(
            "step %d, micro-step %d is out of range".formatted(step, microStep));
      }
      int stream = STREAM | split.ordinal() << SPLIT_SHIFT | microStep;
      RandomStream random = new RandomStream(seed, stream, step);
      for (int place = 0; place < batch.batch(); place++) {
        fillRow(batch, place, rows.get(random.nextInt(rows.size())));
      }
    };
  }

  private static void fillRow(Batch batch, int place, Row row) {
    long first = (long) place * batch.context();
    int[] tokens = row.tokens();
    for (int t = 0; t < batch.context(); t++) {
      int input = t < tokens.length ? tokens[t] : 0;
      boolean counts = t + 1 >= row.firstTarget() && t + 1 < tokens.length;
      batch.inputs().setAtIndex(ValueLayout.JAVA_INT, first + t, input);
      batch
          .targets()
          .setAtIndex(ValueLayout.JAVA_INT, first + t, counts ? tokens[t + 1] : Batch.IGNORE);
    }
  }

  @Override
  public void close() {}
}
