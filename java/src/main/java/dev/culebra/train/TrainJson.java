package dev.culebra.train;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.culebra.io.FileErrors;
import dev.culebra.io.StrictJson;
import dev.culebra.options.Naming;
import dev.culebra.options.Option;
import dev.culebra.options.Options;
import dev.culebra.options.Setting;
import dev.culebra.options.ValueType;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * {@link TrainConfig#OPTIONS} as JSON: one flat object, parsed strictly; each error is one line.
 */
final class TrainJson {
  private static final JsonMapper MAPPER = StrictJson.mapper();

  private static final Map<String, Option<?, ?>> FIELDS =
      TrainConfig.OPTIONS.stream()
          .collect(Collectors.toMap(Naming.FIELDS::name, Function.identity()));

  private TrainJson() {}

  static Options read(Path file) throws IOException {
    try (JsonParser json = MAPPER.createParser(Files.readString(file, StandardCharsets.UTF_8))) {
      return new Reading(file, json).options();
    } catch (JsonProcessingException e) {
      throw new IOException(place(file, e.getLocation()) + syntax(e), e);
    } catch (CharacterCodingException e) {
      throw new IOException(file + ": is not UTF-8", e);
    } catch (FileSystemException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  /** A file being read. */
  private record Reading(Path file, JsonParser json) {
    Options options() throws IOException {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw noObject();
      }
      Options options = Options.NONE;
      while (json.nextToken() != JsonToken.END_OBJECT) {
        Option<?, ?> option = FIELDS.get(json.currentName());
        if (option == null) {
          throw error("unknown field \"" + json.currentName() + "\"");
        }
        if (json.nextToken() != JsonToken.VALUE_NULL) {
          options = options.with(setting(option));
        }
      }
      if (json.nextToken() != null) {
        throw noObject();
      }
      return options;
    }

    private <T> Setting<T> setting(Option<?, T> option) throws IOException {
      ValueType<T> type = option.type();
      boolean fits =
          switch (json.currentToken()) {
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> type.form() == ValueType.Form.NUMBER;
            case VALUE_TRUE, VALUE_FALSE -> type.form() == ValueType.Form.BOOLEAN;
            case VALUE_STRING -> type.form() == ValueType.Form.STRING;
            default -> false;
          };
      if (fits) {
        var value = type.parse(json.getText());
        if (value.isPresent()) {
          return option.set(value.get());
        }
      }
      throw error("\"%s\" must be %s".formatted(json.currentName(), type.expected()));
    }

    private IOException noObject() {
      return error("must be one JSON object of options");
    }

    private IOException error(String what) {
      return new IOException(place(file, json.currentTokenLocation()) + what);
    }
  }

  private static String place(Path file, JsonLocation at) {
    return at == null
        ? file + ": "
        : "%s:%d:%d: ".formatted(file, at.getLineNr(), at.getColumnNr());
  }

  /** Jackson's first line, without its redacted source location. */
  private static String syntax(JsonProcessingException error) {
    return "not valid JSON: "
        + error.getOriginalMessage().replaceFirst("(?s)( \\(start|\\R).*", "");
  }

  /** Indented, for readers. */
  static String write(Options options) {
    return tree(options).toPrettyString() + "\n";
  }

  static String writeOnOneLine(Options options) {
    return tree(options).toString();
  }

  private static ObjectNode tree(Options options) {
    ObjectNode tree = MAPPER.createObjectNode();
    for (Setting<?> setting : options.settings()) {
      String field = Naming.FIELDS.name(setting.option());
      switch (setting.value()) {
        case Integer value -> tree.put(field, value);
        case Long value -> tree.put(field, value);
        case Float value -> tree.put(field, value);
        case Boolean value -> tree.put(field, value);
        default -> tree.put(field, setting.text());
      }
    }
    return tree;
  }

  /**
   * How {@code now} differs from options that {@link #writeOnOneLine} wrote: {@code heads 4, not
   * 2}.
   */
  static List<String> differences(Options now, String written) throws JsonProcessingException {
    JsonNode ours = tree(now);
    return MAPPER.readTree(written).properties().stream()
        .filter(field -> !ours.path(field.getKey()).asText().equals(field.getValue().asText()))
        .map(
            field ->
                "%s %s, not %s"
                    .formatted(
                        field.getKey(),
                        ours.path(field.getKey()).asText(),
                        field.getValue().asText()))
        .toList();
  }
}
