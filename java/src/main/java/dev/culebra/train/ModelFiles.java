package dev.culebra.train;

import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.data.TextConventions;
import dev.culebra.nn.Gpt;
import dev.culebra.pretrained.PretrainedModel;
import dev.culebra.text.Tokenizer;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A trained model on disk, for sampling, evaluation, finetuning or export: a run directory, or
 * another program's folder or file ({@link PretrainedModel}).
 */
public sealed interface ModelFiles extends Closeable permits RunFiles, PretrainedFiles {
  /**
   * Opens the model at {@code path} for reading.
   *
   * @throws CheckpointException with one line that says what is missing, if there is none
   * @throws IOException with one line that names the file, if one cannot be read
   */
  static ModelFiles open(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new CheckpointException("no such run directory or model: " + path);
    }
    return PretrainedModel.isModel(path) ? PretrainedFiles.open(path) : RunFiles.open(path);
  }

  /** Where it is. */
  Path path();

  /**
   * The shape of the model and, for a run, how it was trained. For another program's model, all but
   * the shape and the tokenizer has the values of the preset gpt2.
   *
   * @throws IOException with one line, if it cannot be read or {@link Gpt} cannot compute the model
   */
  TrainConfig config() throws IOException;

  /**
   * Its tokenizer.
   *
   * @throws IOException with one line, if it cannot be read or is damaged
   */
  Tokenizer tokenizer() throws IOException;

  /**
   * How its texts begin and end.
   *
   * @throws IOException with one line, if they cannot be read or are damaged
   */
  TextConventions conventions() throws IOException;

  /**
   * Rejects files that do not belong together, before memory of the sizes that they claim is
   * allocated.
   *
   * @throws IOException with one line that says what differs
   */
  void requireSound() throws IOException;

  /**
   * Reads the weights; those of a run are its best, or the last if none are marked best.
   *
   * @param model with the shape of {@link #config}; its context may be shorter, and it may know
   *     more tokens
   * @param vocab number of tokens that these weights know; the rows after them are unchanged
   * @throws IOException with one line, if there are none or they are damaged or do not fit
   */
  void loadWeights(Gpt model, int vocab) throws IOException;

  /**
   * What a run that is finetuned from this model records about it.
   *
   * @throws IOException with one line, if it cannot be read
   */
  Parent asParent() throws IOException;
}
