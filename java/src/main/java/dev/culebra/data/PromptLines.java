package dev.culebra.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.io.FileErrors;
import dev.culebra.io.StrictJson;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads the lines of a file of {@link PromptPairs}; whatever is wrong is named by FILE:LINE. */
final class PromptLines {
  private static final JsonMapper JSON = StrictJson.mapper();
  private static final String BYTE_ORDER_MARK = "\uFEFF";
  private static final int LEAST_PAIRS = 2;

  /** The texts of a line, the first of which is 1. */
  record Pair(int line, String prompt, String completion) {}

  private final Path file;

  private PromptLines(Path file) {
    this.file = file;
  }

  /**
   * The pairs of a file; blank lines are none. A byte order mark and the CR of CR LF are left out.
   *
   * @throws DataException if a line is no pair, with its number, or there are not two
   * @throws IOException if the file cannot be read
   */
  static List<Pair> read(Path file) throws IOException {
    List<Pair> pairs = new PromptLines(file).read();
    if (pairs.size() < LEAST_PAIRS) {
      throw new DataException(
          "%s: needs at least %d lines, to train on and to validate on"
              .formatted(file, LEAST_PAIRS));
    }
    return pairs;
  }

  private List<Pair> read() throws IOException {
    byte[] bytes = bytes();
    List<Pair> pairs = new ArrayList<>();
    int start = 0;
    for (int number = 1; start < bytes.length; number++) {
      int end = start;
      while (end < bytes.length && bytes[end] != '\n') {
        end++;
      }
      String line = text(number, ByteBuffer.wrap(bytes, start, end - start));
      if (!line.isBlank()) {
        pairs.add(pair(number, line));
      }
      start = end + 1;
    }
    return pairs;
  }

  private byte[] bytes() throws IOException {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  private String text(int number, ByteBuffer bytes) {
    try {
      String line = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
      return number == 1 && line.startsWith(BYTE_ORDER_MARK) ? line.substring(1) : line;
    } catch (CharacterCodingException e) {
      throw bad(number, "is not UTF-8", e);
    }
  }

  private Pair pair(int number, String line) {
    JsonNode json;
    try {
      json = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      String reason = e.getOriginalMessage().lines().findFirst().orElse("not JSON");
      throw bad(number, "is not one JSON object: " + reason, e);
    }
    if (!json.isObject()) {
      throw bad(number, "is not one JSON object", null);
    }
    return new Pair(number, field(number, json, "prompt"), field(number, json, "completion"));
  }

  private String field(int number, JsonNode json, String name) {
    String text = json.path(name).isTextual() ? json.get(name).textValue() : "";
    if (text.isEmpty()) {
      throw bad(number, "needs a text that is not empty as \"%s\"".formatted(name), null);
    }
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw bad(number, "has half a surrogate pair in its \"%s\"".formatted(name), null);
    }
    return text;
  }

  private DataException bad(int number, String what, Exception cause) {
    return new DataException("%s:%d: %s".formatted(file, number, what), cause);
  }
}
