package dev.culebra.train;

import dev.culebra.backend.Backend;
import dev.culebra.io.Owned;
import dev.culebra.nn.Gpt;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;

/** A model from a run directory, for sampling or evaluation; in eval mode. */
public final class TrainedModel implements AutoCloseable {
  private final TrainConfig config;
  private final Tokenizer tokenizer;
  private final Owned owned = new Owned();
  private final Backend backend;
  private final Gpt model;

  private TrainedModel(TrainConfig config, Tokenizer tokenizer, DeviceConfig device) {
    this.config = config;
    this.tokenizer = tokenizer;
    try {
      backend = owned.add(Devices.open(device));
      model = owned.add(Gpt.toBeLoaded(config.model().withVocab(tokenizer.vocab()), backend));
      model.eval();
    } catch (Throwable e) { // even an Error must leave nothing open
      owned.closeAfter(e);
      throw e;
    }
  }

  /**
   * Reads the best weights of a run, or the last if none are marked best.
   *
   * @throws IOException with one line that names the file, if there is no run or it is damaged
   * @throws Devices.UnavailableException if the device cannot be used
   */
  public static TrainedModel open(Path directory, DeviceConfig device) throws IOException {
    try (RunFiles files = RunFiles.open(directory)) {
      return open(files, device);
    }
  }

  /**
   * The same for a run that is already open.
   *
   * @param files owned by the caller
   */
  public static TrainedModel open(RunFiles files, DeviceConfig device) throws IOException {
    TrainConfig config = files.config();
    Tokenizer tokenizer = files.tokenizer();
    files.requireModel(config, tokenizer, files.weights());
    TrainedModel trained = new TrainedModel(config, tokenizer, device);
    try {
      files.loadWeights(trained.model);
      return trained;
    } catch (Throwable e) {
      trained.close();
      throw e;
    }
  }

  public TrainConfig config() {
    return config;
  }

  public Tokenizer tokenizer() {
    return tokenizer;
  }

  public Gpt model() {
    return model;
  }

  @Override
  public void close() {
    owned.close();
  }
}
