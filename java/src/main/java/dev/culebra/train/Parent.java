package dev.culebra.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.io.AtomicFile;
import dev.culebra.io.FileErrors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The run whose weights a finetuned one began with, as its {@code parent.json} says it.
 *
 * @param run its directory, absolute
 * @param step after which these weights were saved
 * @param validationLoss of these weights; null where they were not the best that were evaluated
 */
public record Parent(String run, int step, Float validationLoss) {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  void write(Path file) throws IOException {
    AtomicFile.write(
        file,
        JSON.createObjectNode()
                .put("run", run)
                .put("step", step)
                .put("val_loss", validationLoss)
                .toPrettyString()
            + "\n");
  }

  /**
   * What {@link #write} wrote.
   *
   * @return empty where there is no file: a run that began from nothing
   * @throws IOException if it cannot be read or is damaged; one line
   */
  static Optional<Parent> read(Path file) throws IOException {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      JsonNode json = JSON.readTree(new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
      JsonNode loss = json.path("val_loss");
      if (json.path("run").isTextual() && json.path("step").isInt()) {
        return Optional.of(
            new Parent(
                json.get("run").textValue(),
                json.get("step").intValue(),
                loss.isNumber() ? loss.floatValue() : null));
      }
    } catch (JsonProcessingException e) {
      // said below
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
    throw new CheckpointException(file + " is damaged: it names no run and step");
  }
}
