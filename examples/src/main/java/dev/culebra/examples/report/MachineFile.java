package dev.culebra.examples.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.io.FileErrors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/** {@code machine.json} as readable names and values. */
final class MachineFile {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final double GIB = 1L << 30;

  private MachineFile() {}

  /**
   * Reads the file; empty if there is none.
   *
   * @param damaged receives one line if it is not a JSON object; the result is then empty
   * @throws IOException with one line, if it cannot be read
   */
  static Map<String, String> read(Path file, Consumer<String> damaged) throws IOException {
    Map<String, String> facts = new LinkedHashMap<>();
    if (!Files.exists(file)) {
      return facts;
    }
    try {
      JsonNode json = JSON.readTree(new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
      if (!json.isObject()) {
        damaged.accept(file + " is damaged: it is not a JSON object, so it is skipped");
        return facts;
      }
      flatten("", json, facts);
      return facts;
    } catch (JsonProcessingException e) {
      damaged.accept(file + " is damaged: it is not valid JSON, so it is skipped");
      return facts;
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
  }

  private static void flatten(String name, JsonNode value, Map<String, String> facts) {
    String prefix = name.isEmpty() ? "" : name + " ";
    if (value.isObject()) {
      value
          .properties()
          .forEach(each -> flatten(prefix + words(each.getKey()), each.getValue(), facts));
    } else if (value.isArray()) {
      for (int i = 0; i < value.size(); i++) {
        flatten(prefix + i, value.get(i), facts);
      }
    } else if (name.endsWith(" bytes")) {
      facts.put(name.replace(" bytes", ""), "%.1f GiB".formatted(value.doubleValue() / GIB));
    } else if (!value.isNull()) {
      facts.put(name, value.asText());
    }
  }

  /** {@code memoryBytes} and {@code memory_bytes} become {@code memory bytes}. */
  private static String words(String name) {
    return name.replaceAll("(?<=[a-z])(?=[A-Z])|_", " ").toLowerCase(Locale.ROOT);
  }
}
