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
import java.util.Locale;
import java.util.Optional;

/**
 * What a finetuned run took its initial weights from, as recorded in {@code parent.json}.
 *
 * @param run a run directory, or the folder or file of another program's model; absolute
 * @param step the step after which these weights were saved; null for another program's model
 * @param validationLoss of these weights; null unless they were the best evaluated
 */
public record Parent(String run, Integer step, Float validationLoss) {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** A description to follow its name: {@code ", step 2,000, validation loss 1.4321"}. */
  public String details() {
    StringBuilder text = new StringBuilder();
    if (step != null) {
      text.append(String.format(Locale.ROOT, ", step %,d", step));
    }
    if (validationLoss != null) {
      text.append(String.format(Locale.ROOT, ", validation loss %.4f", validationLoss));
    }
    return text.toString();
  }

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
   * Reads what {@link #write} wrote.
   *
   * @return empty if there is no file: the run was not finetuned
   * @throws IOException if it cannot be read or is damaged; one line
   */
  static Optional<Parent> read(Path file) throws IOException {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      JsonNode json = JSON.readTree(new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
      JsonNode step = json.path("step");
      JsonNode loss = json.path("val_loss");
      if (json.path("run").isTextual() && (step.isInt() || step.isNull())) {
        return Optional.of(
            new Parent(
                json.get("run").textValue(),
                step.isInt() ? step.intValue() : null,
                loss.isNumber() ? loss.floatValue() : null));
      }
    } catch (JsonProcessingException e) {
      // said below
    } catch (IOException e) {
      throw new IOException("cannot read " + file + ": " + FileErrors.reason(e), e);
    }
    throw new CheckpointException(file + " is damaged: it does not name a run and a step");
  }
}
