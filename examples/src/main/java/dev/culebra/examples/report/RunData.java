package dev.culebra.examples.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.data.Dataset;
import dev.culebra.io.AtomicFile;
import dev.culebra.io.FileErrors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.function.Consumer;

/**
 * {@code data.json}: makes the losses of runs with different tokenizers comparable.
 *
 * @param bytesPerToken of the validation part; empty for non-text data, whose loss covers answers
 *     only
 */
public record RunData(OptionalDouble bytesPerToken) {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String BYTES_PER_TOKEN = "bytes_per_token";

  /** Measures {@code data}; reads some of its tokens. */
  public static RunData of(Dataset data) {
    return new RunData(data.bytesPerToken());
  }

  /**
   * Writes the file, unless it would be empty.
   *
   * @throws IOException with one line, if it cannot be written
   */
  public void write(Path file) throws IOException {
    if (bytesPerToken.isPresent()) {
      AtomicFile.write(
          file,
          JSON.createObjectNode().put(BYTES_PER_TOKEN, bytesPerToken.getAsDouble()).toPrettyString()
              + "\n");
    }
  }

  /**
   * Reads the file; empty if there is none, as in runs of older versions.
   *
   * @param damaged receives one line if it is damaged; the result is then empty
   * @throws IOException with one line, if it cannot be read
   */
  static RunData read(Path file, Consumer<String> damaged) throws IOException {
    RunData nothing = new RunData(OptionalDouble.empty());
    if (!Files.exists(file)) {
      return nothing;
    }
    try {
      JsonNode json = JSON.readTree(new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
      double value = json.path(BYTES_PER_TOKEN).asDouble();
      if (value > 0 && Double.isFinite(value)) {
        return new RunData(OptionalDouble.of(value));
      }
    } catch (JsonProcessingException e) {
      // said below
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
    damaged.accept(file + " is damaged: it has no " + BYTES_PER_TOKEN + ", so it is skipped");
    return nothing;
  }
}
