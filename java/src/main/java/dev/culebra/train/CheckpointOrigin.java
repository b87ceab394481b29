package dev.culebra.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.checkpoint.Safetensors;
import dev.culebra.data.DataChecksum;
import dev.culebra.data.Dataset;
import dev.culebra.data.TokenizerFile;
import dev.culebra.text.Tokenizer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a checkpoint belongs to, as its metadata says: a model, a tokenizer and data. Each is empty
 * in checkpoints of a version that did not record it.
 *
 * @param model the options that define the model, as JSON
 * @param tokenizer the digest of the tokenizer
 * @param data the checksum of the data; also empty for data that cannot change
 */
record CheckpointOrigin(
    Optional<String> model, Optional<String> tokenizer, Optional<DataChecksum> data) {
  static final CheckpointOrigin UNKNOWN =
      new CheckpointOrigin(Optional.empty(), Optional.empty(), Optional.empty());

  private static final String MODEL = "culebra.model";
  private static final String TOKENIZER = "culebra.tokenizer";
  private static final String DATA = "culebra.data";

  static CheckpointOrigin of(Safetensors checkpoint) {
    Map<String, String> metadata = checkpoint.metadata();
    return new CheckpointOrigin(
        Optional.ofNullable(metadata.get(MODEL)),
        Optional.ofNullable(metadata.get(TOKENIZER)),
        DataChecksum.parse(metadata.getOrDefault(DATA, "")));
  }

  CheckpointOrigin ofModel(TrainConfig config, Tokenizer tokenizer) {
    return new CheckpointOrigin(
        Optional.of(TrainJson.writeOnOneLine(config.modelShape())),
        Optional.of(TokenizerFile.digest(tokenizer)),
        data);
  }

  CheckpointOrigin ofData(Dataset data) {
    return new CheckpointOrigin(model, tokenizer, data.checksum());
  }

  /** As {@link #of} reads it. */
  Map<String, String> toMetadata() {
    Map<String, String> metadata = new HashMap<>();
    model.ifPresent(options -> metadata.put(MODEL, options));
    tokenizer.ifPresent(digest -> metadata.put(TOKENIZER, digest));
    data.ifPresent(checksum -> metadata.put(DATA, checksum.toString()));
    return metadata;
  }

  /**
   * Rejects another model or tokenizer.
   *
   * @param run the directory of both, for messages
   * @param checkpoint the file that this is of, for messages
   * @throws CheckpointException with one line that says what differs
   */
  void requireModel(TrainConfig config, Tokenizer now, RunDirectory run, Path checkpoint)
      throws CheckpointException {
    if (model.isEmpty() || tokenizer.isEmpty()) {
      return;
    }
    try {
      List<String> differences = TrainJson.differences(config.modelShape(), model.get());
      if (!differences.isEmpty()) {
        throw changed(run.config(), checkpoint, "it has " + String.join("; ", differences));
      }
    } catch (JsonProcessingException e) {
      throw new CheckpointException(checkpoint + " does not say which model it belongs to");
    }
    if (!tokenizer.get().equals(TokenizerFile.digest(now))) {
      throw changed(run.tokenizer(), checkpoint, "its tokens or their order differ");
    }
  }

  private static CheckpointException changed(Path file, Path checkpoint, String how) {
    return new RunChangedException(
        "%s has changed since %s was written: %s".formatted(file, checkpoint, how));
  }

  /**
   * Rejects other data.
   *
   * @param run that is trained on it, for the message
   * @throws DataChangedException one line that says what differs
   */
  void requireData(Dataset now, Path run) throws DataChangedException {
    Optional<DataChecksum> checksum = data.isEmpty() ? data : now.checksum();
    if (checksum.isPresent()) {
      String difference = checksum.get().differenceFrom(data.get());
      if (!difference.isEmpty()) {
        throw new DataChangedException(
            "%s is not as it was when %s was trained: %s".formatted(now.name(), run, difference));
      }
    }
  }
}
