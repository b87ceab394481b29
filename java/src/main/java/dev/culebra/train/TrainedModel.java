package dev.culebra.train;

import dev.culebra.backend.Backend;
import dev.culebra.data.TextConventions;
import dev.culebra.io.Owned;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A model from a run directory or from another program ({@link ModelFiles}), for sampling or
 * evaluation; in eval mode.
 */
public final class TrainedModel implements AutoCloseable {
  private final TrainConfig config;
  private final Tokenizer tokenizer;
  private final TextConventions conventions;
  private final Owned owned = new Owned();
  private final Backend backend;
  private final Gpt model;

  private TrainedModel(ModelFiles files, DeviceConfig device, WeightsChoice weights)
      throws IOException {
    config = files.config();
    tokenizer = files.tokenizer();
    conventions = files.conventions();
    files.requireSound();
    try {
      backend = owned.add(Devices.open(device, weights));
      GptConfig shape = config.model().withVocab(tokenizer.vocab());
      model =
          owned.add(
              weights
                  .format()
                  .map(format -> Gpt.toBeLoaded(shape, backend, format))
                  .orElseGet(() -> Gpt.toBeLoaded(shape, backend)));
      files.loadWeights(model, tokenizer.vocab());
      model.eval();
    } catch (Throwable e) { // even an Error must leave nothing open
      owned.closeAfter(e);
      throw e;
    }
  }

  /**
   * Reads a model; the weights of a run are its best, or the last if none are marked best.
   *
   * @throws IOException with one line that names the file, if there is no model or it is damaged
   * @throws Devices.UnavailableException if the device cannot be used
   */
  public static TrainedModel open(Path path, DeviceConfig device) throws IOException {
    try (ModelFiles files = ModelFiles.open(path)) {
      return open(files, device);
    }
  }

  /**
   * The same for files that are already open.
   *
   * @param files owned by the caller
   */
  public static TrainedModel open(ModelFiles files, DeviceConfig device) throws IOException {
    return open(files, device, WeightsChoice.FP32);
  }

  /**
   * The same with weights of another kind.
   *
   * @throws Devices.UnavailableException if the device cannot be used, or cannot read such weights
   */
  public static TrainedModel open(ModelFiles files, DeviceConfig device, WeightsChoice weights)
      throws IOException {
    return new TrainedModel(files, device, weights);
  }

  public TrainConfig config() {
    return config;
  }

  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** How its texts begin and end. */
  public TextConventions conventions() {
    return conventions;
  }

  public Gpt model() {
    return model;
  }

  @Override
  public void close() {
    owned.close();
  }
}
