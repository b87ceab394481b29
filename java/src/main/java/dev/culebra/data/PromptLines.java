package dev.culebra.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.data.Message.Role;
import dev.culebra.io.FileErrors;
import dev.culebra.io.StrictJson;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads the lines of a file of {@link PromptPairs} or {@link Conversations}; errors name FILE:LINE.
 */
final class PromptLines {
  private static final JsonMapper JSON = StrictJson.mapper();
  private static final String BYTE_ORDER_MARK = "\uFEFF";
  private static final String MESSAGES = "messages";
  private static final int LEAST_LINES = 2;

  /** The JSON object of a line. */
  record Line(int number, ObjectNode json) {}

  /** The texts of a line, the first of which is 1. */
  record Pair(int line, String prompt, String completion) {}

  /** A conversation with at least one answer. */
  record Conversation(int line, List<Message> messages) {}

  private final Path file;

  private PromptLines(Path file) {
    this.file = file;
  }

  /** Whether the first line of {@code file} that is not blank is a conversation. */
  static boolean isOfConversations(Path file) throws IOException {
    InputStream in = TextInput.open(file);
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()))) {
      String first = lines.readLine();
      while (first != null && first.isBlank()) {
        first = lines.readLine();
      }
      return first != null && JSON.readTree(first.replace(BYTE_ORDER_MARK, "")).has(MESSAGES);
    } catch (JsonProcessingException | CharacterCodingException e) {
      return false;
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  /**
   * The pairs of a file; blank lines are skipped. A byte order mark and the CR of CR LF are
   * removed.
   *
   * @throws DataException if a line is not a pair, with its number, or there are fewer than two
   * @throws IOException if the file cannot be read
   */
  static List<Pair> read(Path file) throws IOException {
    PromptLines lines = new PromptLines(file);
    return lines.read().stream().map(lines::pair).toList();
  }

  /** The conversations of a file, as {@link #read}. */
  static List<Conversation> conversations(Path file) throws IOException {
    PromptLines lines = new PromptLines(file);
    return lines.read().stream().map(lines::conversation).toList();
  }

  private List<Line> read() throws IOException {
    byte[] bytes = bytes();
    List<Line> lines = new ArrayList<>();
    int start = 0;
    for (int number = 1; start < bytes.length; number++) {
      int end = start;
      while (end < bytes.length && bytes[end] != '\n') {
        end++;
      }
      String line = text(number, ByteBuffer.wrap(bytes, start, end - start));
      if (!line.isBlank()) {
        lines.add(new Line(number, object(number, line)));
      }
      start = end + 1;
    }
    if (lines.size() < LEAST_LINES) {
      throw new DataException(
          "%s: needs at least %d lines, to train on and to validate on"
              .formatted(file, LEAST_LINES));
    }
    return lines;
  }

  private byte[] bytes() throws IOException {
    InputStream in = TextInput.open(file);
    try (in) {
      return in.readAllBytes();
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

  private ObjectNode object(int number, String line) {
    JsonNode json;
    try {
      json = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      String reason = e.getOriginalMessage().lines().findFirst().orElse("not JSON");
      throw bad(number, "is not one JSON object: " + reason, e);
    }
    if (json instanceof ObjectNode object) {
      return object;
    }
    throw bad(number, "is not one JSON object", null);
  }

  private Pair pair(Line line) {
    int number = line.number();
    return new Pair(
        number, field(number, line.json(), "prompt"), field(number, line.json(), "completion"));
  }

  private Conversation conversation(Line line) {
    JsonNode list = line.json().path(MESSAGES);
    if (!list.isArray() || list.isEmpty()) {
      throw bad(line.number(), "needs a non-empty list as \"messages\"", null);
    }
    List<Message> messages = new ArrayList<>();
    for (JsonNode message : list) {
      Role role =
          Role.find(message.path("role").asText())
              .orElseThrow(
                  () ->
                      bad(
                          line.number(),
                          "has the \"role\" %s; it must be system, user or assistant"
                              .formatted(message.path("role")),
                          null));
      messages.add(new Message(role, field(line.number(), message, "content")));
    }
    if (messages.stream().noneMatch(message -> message.role() == Role.ASSISTANT)) {
      throw bad(
          line.number(), "has no message of the assistant, so there is nothing to learn", null);
    }
    return new Conversation(line.number(), messages);
  }

  private String field(int number, JsonNode json, String name) {
    String text = json.path(name).isTextual() ? json.get(name).textValue() : "";
    if (text.isEmpty()) {
      throw bad(number, "needs a non-empty text as \"%s\"".formatted(name), null);
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
