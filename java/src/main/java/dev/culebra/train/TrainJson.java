package dev.culebra.train;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import dev.culebra.io.FileErrors;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** {@link TrainConfig} and {@link TrainOptions} as JSON: strict, each error one line. */
final class TrainJson {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .visibility(PropertyAccessor.ALL, JsonAutoDetect.Visibility.NONE)
          .visibility(PropertyAccessor.FIELD, JsonAutoDetect.Visibility.ANY)
          .serializationInclusion(JsonInclude.Include.NON_NULL)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.READ_ENUMS_USING_TO_STRING)
          .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .addModule(new SimpleModule().addSerializer(new LowerCaseEnum()))
          .build();

  private TrainJson() {}

  static TrainOptions read(Path file) throws IOException {
    try {
      String json = Files.readString(file, StandardCharsets.UTF_8);
      TrainOptions options = MAPPER.readValue(json, TrainOptions.class);
      if (options == null) {
        throw new IOException(file + ": must hold one JSON object of options");
      }
      return options;
    } catch (JsonProcessingException e) {
      throw new IOException(describe(file, e), e);
    } catch (CharacterCodingException e) {
      throw new IOException(file + ": is not UTF-8", e);
    } catch (FileSystemException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  /** {@code config} with the values that {@code over} has. */
  static TrainConfig with(TrainConfig config, TrainOptions over) {
    return complete(merge(MAPPER.convertValue(config, TrainOptions.class), over));
  }

  static String write(TrainConfig config) {
    try {
      return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(config) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a configuration can always be written", e);
    }
  }

  /** {@code --layers 4}, {@code --no-bias} … for every value that is there. */
  static List<String> flags(TrainOptions options) {
    return MAPPER.valueToTree(options).properties().stream()
        .map(field -> flag(field.getKey().replace('_', '-'), field.getValue()))
        .toList();
  }

  private static String flag(String name, JsonNode value) {
    return value.isBoolean()
        ? (value.booleanValue() ? "--" : "--no-") + name
        : "--" + name + " " + value.asText();
  }

  /** On one line. */
  static String write(TrainOptions options) {
    return MAPPER.valueToTree(options).toString();
  }

  /** Where {@code now} differs from what {@link #write} made of others: {@code heads 4, not 2}. */
  static List<String> differences(TrainOptions now, String written) throws JsonProcessingException {
    JsonNode ours = MAPPER.valueToTree(now);
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

  static boolean isEmpty(TrainOptions options) {
    return MAPPER.valueToTree(options).isEmpty();
  }

  static TrainOptions merge(TrainOptions base, TrainOptions over) {
    try {
      return MAPPER.updateValue(MAPPER.convertValue(base, TrainOptions.class), over);
    } catch (JsonMappingException e) {
      throw new IllegalStateException("options can always be merged", e);
    }
  }

  /** The configuration with these values, of which none is absent. */
  static TrainConfig complete(TrainOptions options) {
    try {
      return MAPPER.treeToValue(MAPPER.valueToTree(options), TrainConfig.class);
    } catch (ValueInstantiationException e) {
      throw e.getCause() instanceof IllegalArgumentException impossible
          ? impossible
          : new IllegalStateException(e);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a preset sets every value", e);
    }
  }

  private static String describe(Path file, JsonProcessingException error) {
    JsonLocation at = error.getLocation();
    String where =
        at == null ? file.toString() : file + ":" + at.getLineNr() + ":" + at.getColumnNr();
    return where + ": " + reason(error);
  }

  private static String reason(JsonProcessingException error) {
    return switch (error) {
      case UnrecognizedPropertyException e -> "unknown field \"" + e.getPropertyName() + "\"";
      case JsonMappingException e when e.getPath().isEmpty() ->
          "must hold one JSON object of options";
      case JsonMappingException e ->
          "\"%s\" must be %s".formatted(e.getPath().getFirst().getFieldName(), expected(e));
      default -> syntax(error);
    };
  }

  /** Jackson's first line, without the place where it redacts the source. */
  private static String syntax(JsonProcessingException error) {
    return "not valid JSON: "
        + error.getOriginalMessage().replaceFirst("(?s)( \\(start|\\R).*", "");
  }

  private static String expected(JsonMappingException error) {
    return switch (error) {
      case MismatchedInputException e -> expected(e.getTargetType());
      case ValueInstantiationException e -> expected(e.getType().getRawClass());
      default ->
          error.getCause() instanceof InputCoercionException e
              ? expected(e.getTargetType())
              : "valid";
    };
  }

  private static String expected(Class<?> type) {
    if (type.isEnum()) {
      return Arrays.stream(type.getEnumConstants())
          .map(TrainJson::label)
          .collect(Collectors.joining(", ", "one of ", ""));
    }
    return switch (type.getSimpleName()) {
      case "Integer", "Long", "int", "long" -> "a whole number";
      case "Float", "float" -> "a number";
      case "Boolean", "boolean" -> "true or false";
      case "TokenizerChoice" -> "char, gpt2 or a folder with a tokenizer";
      case "DeviceChoice" -> "auto, cpu, cuda or cuda:N";
      default -> "a text";
    };
  }

  private static String label(Object constant) {
    return constant.toString().toLowerCase(Locale.ROOT);
  }

  /** {@code gpt2-medium}, {@code gelu_tanh}: also of the enums that know nothing of JSON. */
  private static final class LowerCaseEnum extends StdSerializer<Enum<?>> {
    LowerCaseEnum() {
      super(Enum.class, false);
    }

    @Override
    public void serialize(Enum<?> value, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      json.writeString(label(value));
    }
  }
}
