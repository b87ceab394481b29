package dev.culebra.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.io.FileErrors;
import dev.culebra.io.StrictJson;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Documents in a file of JSON Lines: an object with a {@code text} a line, whatever else it has. A
 * line is read when its turn comes; whatever is wrong is named by FILE:LINE.
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

  /** Whether {@code file} is one, by its name and its first line. */
  static boolean isOne(Path file) throws IOException {
    if (!file.toString().toLowerCase(Locale.ROOT).endsWith(PromptPairs.ENDING)
        || !Files.isRegularFile(file)) {
      return false;
    }
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      String first = lines.readLine();
      return first != null && JSON.readTree(first).path(TEXT).isTextual();
    } catch (JsonProcessingException | CharacterCodingException e) {
      return false;
    } catch (IOException e) {
      throw cannotRead(file, e);
    }
  }

  /**
   * Passes the documents to {@code sink}; blank lines are none.
   *
   * @throws DataException if a line is no such object, with its number
   * @throws IOException if the file cannot be read
   */
  static void read(Path file, TextSource.Sink sink) throws IOException {
    new JsonTexts(file).read(sink);
  }

  private void read(TextSource.Sink sink) throws IOException {
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      for (String line = next(lines); line != null; line = next(lines)) {
        if (!line.isBlank()) {
          pass(text(line), sink);
          sink.endDocument();
        }
      }
    }
  }

  private String next(BufferedReader lines) throws IOException {
    number++;
    try {
      return lines.readLine();
    } catch (CharacterCodingException e) {
      throw bad("is not UTF-8, or a line soon after it is not", e);
    } catch (IOException e) {
      throw cannotRead(file, e);
    }
  }

  private String text(String line) {
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

  private DataException bad(String what, Exception cause) {
    return new DataException("%s:%d: %s".formatted(file, number, what), cause);
  }

  private static IOException cannotRead(Path file, IOException e) {
    return new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
  }
}
