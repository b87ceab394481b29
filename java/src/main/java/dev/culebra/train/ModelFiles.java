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
 * A trained model on disk, to sample from, to measure, to finetune or to export: a run directory,
 * or another program's folder or file ({@link PretrainedModel}).
 */
public sealed interface ModelFiles extends Closeable permits RunFiles, PretrainedFiles {
  /**
   * Opens what is at {@code path}, for reading.
   *
   * @throws CheckpointException if nothing of these is there; one line that says what is missing
   * @throws IOException if a file cannot be read; one line that names it
   */
  static ModelFiles open(Path path) throws IOException {
    if (!Files.exists(path)) {
      throw new CheckpointException("no such run directory or model: " + path);
    }
    return PretrainedModel.isOne(path) ? PretrainedFiles.open(path) : RunFiles.open(path);
  }

  /** Where it is. */
  Path path();

  /**
   * How its model is made and, of a run, how it was trained. Of another program's model all but the
   * shape and the tokenizer is what a preset of GPT-2 says.
   *
   * @throws IOException if it cannot be read, or no {@link Gpt} computes this model; one line
   */
  TrainConfig config() throws IOException;

  /**
   * Its tokenizer.
   *
   * @throws IOException if it cannot be read or is damaged; one line
   */
  Tokenizer tokenizer() throws IOException;

  /**
   * How its texts begin and end.
   *
   * @throws IOException if they cannot be read or are damaged; one line
   */
  TextConventions conventions() throws IOException;

  /**
   * Refuses files that do not belong together, before memory of the sizes that they claim is asked
   * for.
   *
   * @throws IOException one line that says what differs
   */
  void requireSound() throws IOException;

  /**
   * Reads the weights, of a run the best ones or the last where none are called best.
   *
   * @param model of {@link #config}; its context may be shorter, and it may know more tokens
   * @param vocab tokens that these weights know; the rows of those behind them stay as they are
   * @throws IOException if there are none, they are damaged or do not fit; one line
   */
  void loadWeights(Gpt model, int vocab) throws IOException;

  /**
   * What a run that begins with these weights keeps of them.
   *
   * @throws IOException if it cannot be read; one line
   */
  Parent asParent() throws IOException;
}
