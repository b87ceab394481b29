package dev.culebra.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.io.FileErrors;
import dev.culebra.io.StrictJson;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Documents in a file of JSON Lines: one object with a {@code text} per line; other fields are
 * ignored. Only one line is in memory at a time. Errors name FILE:LINE.
 */
final class JsonTexts {
  private static final JsonMapper JSON = StrictJson.mapper();
  private static final String TEXT = "text";
  private static final int PIECE = 1 << 17;

  private final Path file;
  private int number;

  private JsonTexts(Path file) {
    this.file = file;
  }

  /** Whether {@code file} is such a file, by its name and its first line. */
  static boolean matches(Path file) throws IOException {
    if (!hasItsEnding(file) || !Files.isRegularFile(file)) {
      return false;
    }
    JsonTexts texts = new JsonTexts(file);
    try (InputStream in = TextInput.open(file)) {
      String first = texts.next(new BoundedLines(in));
      return first != null && JSON.readTree(first).path(TEXT).isTextual();
    } catch (JsonProcessingException | BadLineException e) {
      return false;
    }
  }

  /** Whether {@code file} is one by its name. */
  static boolean hasItsEnding(Path file) {
    return TextInput.unpackedName(file).endsWith(PromptPairs.ENDING);
  }

  /**
   * Passes the documents to {@code sink}; blank lines are skipped.
   *
   * @throws DataException if a line is not such an object, with its number
   * @throws IOException if the file cannot be read
   */
  static void read(Path file, TextSource.Sink sink) throws IOException {
    try {
      new JsonTexts(file).read(sink);
    } catch (BadLineException e) {
      throw new DataException(e.getMessage(), e.getCause());
    }
  }

  private void read(TextSource.Sink sink) throws IOException, BadLineException {
    try (InputStream in = TextInput.open(file)) {
      BoundedLines lines = new BoundedLines(in);
      for (String line = next(lines); line != null; line = next(lines)) {
        if (!line.isBlank()) {
          pass(text(line), sink);
          sink.endDocument();
        }
      }
    }
  }

  /** A line that is not a document. */
  private static final class BadLineException extends Exception {
    private BadLineException(String message, Exception cause) {
      super(message, cause);
    }
  }

  private String next(BoundedLines lines) throws IOException, BadLineException {
    number++;
    try {
      return lines.next();
    } catch (BoundedLines.TooLongException e) {
      throw bad(
          "has more than %,d characters: divide it into several documents"
              .formatted(BoundedLines.LONGEST),
          e);
    } catch (CharacterCodingException e) {
      throw bad("is not UTF-8, or a line soon after it is not", e);
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  private String text(String line) throws BadLineException {
    JsonNode json;
    try {
      json = JSON.readTree(line);
    } catch (JsonProcessingException e) {
      String reason = e.getOriginalMessage().lines().findFirst().orElse("not JSON");
      throw bad("is not one JSON object: " + reason, e);
    }
    if (!json.path(TEXT).isTextual()) {
      throw bad("needs a text as \"%s\"".formatted(TEXT), null);
    }
    String text = json.get(TEXT).textValue();
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw bad("has half a surrogate pair in its \"%s\"".formatted(TEXT), null);
    }
    return text;
  }

  private static void pass(String text, TextSource.Sink sink) throws IOException {
    for (int from = 0; from < text.length(); ) {
      int end = Math.min(from + PIECE, text.length());
      if (end < text.length() && Character.isLowSurrogate(text.charAt(end))) {
        end++;
      }
      sink.accept(text.substring(from, end));
      from = end;
    }
  }

  private BadLineException bad(String what, Exception cause) {
    return new BadLineException("%s:%d: %s".formatted(file, number, what), cause);
  }
}
