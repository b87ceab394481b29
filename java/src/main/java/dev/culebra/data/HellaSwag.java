package dev.culebra.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.io.FileErrors;
import dev.culebra.io.StrictJson;
import dev.culebra.text.BpeTokenizer;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * HellaSwag (Zellers et al., 2019): the beginning of a scene and some endings, one of which is the
 * right one. A model chooses the ending that it finds likeliest. Read from the public {@code
 * .jsonl} or from llm.c's {@code .bin}; scored as llm.c does: {@code accuracy} by the loss of the
 * whole ending, {@code normalised accuracy} by the loss per token, which does not favour short
 * ones.
 */
public final class HellaSwag {
  private static final JsonMapper JSON = StrictJson.mapper();
  private static final int MAGIC = 20240522;
  private static final int VERSION = 1;
  private static final int HEADER_BYTES = 256 * Integer.BYTES;
  private static final int START = 0xFFFF;
  private static final int LEAST_ENDINGS = 2;

  /** Used to recognise GPT-2's tokens. */
  private static final String PROBE = "Hello world, it's 1955: naïve!";

  /** A beginning with each of its endings. */
  private record Example(List<Question> endings, int right) {}

  private final Path file;
  private final List<Example> examples = new ArrayList<>();

  private HellaSwag(Path file) {
    this.file = file;
  }

  /**
   * Reads a file for a model that has a tokenizer.
   *
   * @throws DataException if it has neither format, is damaged, or cannot be expressed in the
   *     model's tokens
   * @throws IOException if it cannot be read; one line that names it
   */
  public static HellaSwag read(Path file, Tokenizer tokenizer) throws IOException {
    HellaSwag read = new HellaSwag(file);
    InputStream in = TextInput.open(file);
    try (in) {
      if (file.toString().endsWith(TokenPaths.ENDING)) {
        read.readTokens(ByteBuffer.wrap(in.readAllBytes()), tokenizer);
      } else {
        read.readLines(new BoundedLines(in), tokenizer);
      }
    } catch (CharacterCodingException e) {
      throw new DataException(file + " is not UTF-8", e);
    } catch (BoundedLines.TooLongException e) {
      throw new DataException("%s: %s".formatted(file, e.getMessage()), e);
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
    if (read.examples.isEmpty()) {
      throw new DataException(file + " holds no examples");
    }
    return read;
  }

  private void readLines(BoundedLines lines, Tokenizer tokenizer) throws IOException {
    int number = 1;
    for (String line = lines.next(); line != null; line = lines.next()) {
      if (!line.isBlank()) {
        try {
          examples.add(example(JSON.readTree(line), tokenizer));
        } catch (JsonProcessingException e) {
          throw bad(number, "is not one JSON object", e);
        } catch (IllegalArgumentException e) { // also of a character that is unknown
          throw bad(number, e.getMessage(), e);
        }
      }
      number++;
    }
  }

  private DataException bad(int number, String what, Exception cause) {
    return new DataException("%s:%d: %s".formatted(file, number, what), cause);
  }

  private static Example example(JsonNode json, Tokenizer tokenizer) {
    JsonNode endings = json.path("endings");
    int right = json.path("label").asInt(-1); // a text, where the Hugging Face hub has it
    if (!json.path("ctx").isTextual()
        || endings.size() < LEAST_ENDINGS
        || right < 0
        || right >= endings.size()) {
      throw new IllegalArgumentException(
          "needs \"ctx\", a list of \"endings\", and as \"label\" which of them is right");
    }
    int[] beginning = tokenizer.encode(json.get("ctx").textValue());
    List<Question> questions = new ArrayList<>();
    for (JsonNode ending : endings) {
      questions.add(new Question(beginning, tokenizer.encode(" " + ending.asText())));
    }
    return new Example(questions, right);
  }

  /** A header of 256 32-bit integers, then examples of 16-bit ones. */
  private void readTokens(ByteBuffer bytes, Tokenizer tokenizer) {
    bytes.order(ByteOrder.LITTLE_ENDIAN);
    if (!isGpt2(tokenizer)) {
      throw new DataException(
          "%s holds tokens of GPT-2, but the model has others, %s: take the .jsonl"
              .formatted(file, tokenizer));
    }
    try {
      if (bytes.getInt() != MAGIC || bytes.getInt() != VERSION) {
        throw new DataException(
            "%s is not llm.c's HellaSwag: it does not begin with %d and %d"
                .formatted(file, MAGIC, VERSION));
      }
      int count = bytes.getInt();
      bytes.position(HEADER_BYTES);
      for (int i = 0; i < count; i++) {
        examples.add(example(bytes));
      }
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      throw new DataException(
          "%s is damaged at example %d".formatted(file, examples.size() + 1), e);
    }
    if (bytes.hasRemaining()) {
      throw new DataException(
          "%s has more than the %d examples of its header".formatted(file, examples.size()));
    }
  }

  private static boolean isGpt2(Tokenizer tokenizer) {
    Gpt2Tokenizer gpt2 = new Gpt2Tokenizer();
    return tokenizer.equals(gpt2)
        || tokenizer instanceof BpeTokenizer
            && Arrays.equals(tokenizer.encode(PROBE), gpt2.encode(PROBE));
  }

  /** A mark, bytes, number, right ending, number of endings; then texts: length and tokens. */
  private static Example example(ByteBuffer bytes) {
    if (next(bytes) != START) {
      throw new BufferUnderflowException();
    }
    next(bytes);
    next(bytes);
    int right = next(bytes);
    int count = next(bytes);
    int[] beginning = text(bytes);
    List<Question> endings = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      endings.add(new Question(beginning, text(bytes)));
    }
    if (count < LEAST_ENDINGS || right >= count) {
      throw new BufferUnderflowException();
    }
    return new Example(endings, right);
  }

  private static int[] text(ByteBuffer bytes) {
    int[] tokens = new int[next(bytes)];
    Arrays.setAll(tokens, i -> next(bytes));
    return tokens;
  }

  private static int next(ByteBuffer bytes) {
    return Short.toUnsignedInt(bytes.getShort());
  }

  /**
   * How often {@code learner} finds the right ending likeliest. If a beginning is too long for the
   * context, only its last tokens are read.
   *
   * @throws DataException if an ending alone is too long
   */
  public Measurement measure(Learner learner) {
    List<Question> questions = new ArrayList<>();
    for (Example example : examples) {
      example.endings.forEach(ending -> questions.add(fitted(ending, learner.context())));
    }
    double[] losses = learner.losses(questions);
    int right = 0;
    int rightByToken = 0;
    int first = 0;
    for (Example example : examples) {
      int count = example.endings.size();
      double[] sums = Arrays.copyOfRange(losses, first, first + count);
      double[] means = new double[count];
      Arrays.setAll(means, i -> sums[i] / example.endings.get(i).answer().length);
      right += smallest(sums) == example.right ? 1 : 0;
      rightByToken += smallest(means) == example.right ? 1 : 0;
      first += count;
    }
    return measurement(new Score(right, examples.size()), new Score(rightByToken, examples.size()));
  }

  private Question fitted(Question ending, int context) {
    int excess = ending.length() - (context + 1);
    if (excess <= 0) {
      return ending;
    }
    if (excess >= ending.prompt().length) {
      throw new DataException(
          "%s has an ending of %d tokens, which do not fit into a context of %d"
              .formatted(file, ending.answer().length, context));
    }
    int[] prompt = ending.prompt();
    return new Question(Arrays.copyOfRange(prompt, excess, prompt.length), ending.answer());
  }

  private static int smallest(double[] values) {
    int smallest = 0;
    for (int i = 1; i < values.length; i++) {
      smallest = values[i] < values[smallest] ? i : smallest;
    }
    return smallest;
  }

  private Measurement measurement(Score score, Score byToken) {
    Map<String, Object> figures = new LinkedHashMap<>();
    figures.put("examples", score.asked());
    figures.put("right", score.right());
    figures.put("accuracy", score.percent() / 100);
    figures.put("right_normalised", byToken.right());
    figures.put("accuracy_normalised", byToken.percent() / 100);
    String text = "%s: accuracy %s, normalised by tokens %s%n".formatted(file, score, byToken);
    return new Measurement(text, figures);
  }
}
