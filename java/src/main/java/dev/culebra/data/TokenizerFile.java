package dev.culebra.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.io.AtomicFile;
import dev.culebra.io.FileErrors;
import dev.culebra.text.BpeTokenizer;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Gpt2Tokenizer;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.TokenizerKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A tokenizer as JSON: {@code {"tokenizer": "gpt2"}}, or {@code {"tokenizer": "char", "vocabulary":
 * ["\n", " ", "!", …]}} where token {@code i} is the {@code i}-th string of one character. For a
 * user-defined tokenizer, its name and {@code "identity"} are stored, from which only that program
 * can recreate it. Byte-level BPE is Hugging Face's {@code tokenizer.json}.
 */
public final class TokenizerFile {
  /** The name of the file in a run directory and next to token files. */
  public static final String NAME = "tokenizer.json";

  private static final String KIND = "tokenizer";
  private static final String VOCABULARY = "vocabulary";
  private static final String IDENTITY = "identity";
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private TokenizerFile() {}

  /**
   * Writes {@code tokenizer} to {@code file}, replacing the whole file.
   *
   * @throws IOException with one line that names the file and the reason
   */
  public static void save(Tokenizer tokenizer, Path file) throws IOException {
    AtomicFile.write(file, write(json(tokenizer)));
  }

  /** The text of a file. */
  static String write(JsonNode json) throws IOException {
    return JSON.writeValueAsString(json) + "\n";
  }

  private static ObjectNode json(Tokenizer tokenizer) {
    if (tokenizer instanceof BpeTokenizer pairs) {
      return HuggingFaceTokenizer.json(pairs.parts());
    }
    ObjectNode json = JSON.createObjectNode().put(KIND, tokenizer.name());
    if (tokenizer instanceof CharTokenizer characters) {
      ArrayNode vocabulary = json.putArray(VOCABULARY);
      for (int character : characters.vocabulary()) {
        vocabulary.add(Character.toString(character));
      }
    } else if (!tokenizer.identity().isEmpty()) {
      json.put(IDENTITY, tokenizer.identity());
    }
    return json;
  }

  /** A digest of the file's content: equal for equal tokenizers, and practically unique. */
  public static String digest(Tokenizer tokenizer) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(sha.digest(json(tokenizer).toString().getBytes(UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }

  /**
   * Reads a tokenizer that {@link #save} wrote.
   *
   * @throws TokenizerFormatException if the content is not one
   * @throws IOException with one line that names it, if the file cannot be read or names a
   *     user-defined tokenizer
   */
  public static Tokenizer load(Path file) throws IOException {
    JsonNode json = parse(file);
    if (!json.isObject()) {
      throw new TokenizerFormatException(file, "expected a JSON object");
    }
    if (HuggingFaceTokenizer.matches(json)) {
      return HuggingFaceTokenizer.read(file, json);
    }
    String kind = json.path(KIND).isTextual() ? json.path(KIND).textValue() : "";
    if (kind.equals(TokenizerKind.GPT2.label())) {
      return new Gpt2Tokenizer();
    }
    if (kind.equals(TokenizerKind.CHAR.label())) {
      return characters(file, json.path(VOCABULARY));
    }
    if (kind.isEmpty()) {
      throw new TokenizerFormatException(
          file, "its field \"%s\" must be \"char\" or \"gpt2\"".formatted(KIND));
    }
    throw new IOException(
        "%s names tokenizer \"%s\", which only the program that defined it can open"
            .formatted(file, kind));
  }

  /** The JSON of a file, which must contain nothing else. */
  static JsonNode parse(Path file) throws IOException {
    try {
      return JSON.readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      String reason = e.getOriginalMessage().lines().findFirst().orElse("not JSON");
      String place = e.getLocation() == null ? "" : " in line " + e.getLocation().getLineNr();
      throw new TokenizerFormatException(file, reason + place);
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  private static CharTokenizer characters(Path file, JsonNode vocabulary) throws IOException {
    if (!vocabulary.isArray()) {
      throw new TokenizerFormatException(
          file, "its field \"%s\" must be a list of characters".formatted(VOCABULARY));
    }
    int[] characters = new int[vocabulary.size()];
    for (int i = 0; i < characters.length; i++) {
      String character = vocabulary.get(i).isTextual() ? vocabulary.get(i).textValue() : "";
      if (character.codePointCount(0, character.length()) != 1) {
        throw new TokenizerFormatException(
            file, "entry %d of its vocabulary is not one character".formatted(i));
      }
      characters[i] = character.codePointAt(0);
    }
    try {
      return CharTokenizer.ofVocabulary(characters);
    } catch (IllegalArgumentException e) {
      throw new TokenizerFormatException(file, e.getMessage());
    }
  }
}
