package dev.culebra.train;

import dev.culebra.backend.Backend;
import dev.culebra.io.Owned;
import dev.culebra.nn.Gpt;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;

/** A model from a run directory, to sample from or to measure; in eval mode. */
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
    } catch (Throwable e) { // an Error too must leave nothing open
      owned.closeAfter(e);
      throw e;
    }
  }

  /**
   * Reads the best weights of a run, or the last where none are called best.
   *
   * @throws IOException if there is no run or it is damaged; one line that names the file
   * @throws Devices.UnavailableException if the device cannot be used
   */
  public static TrainedModel open(Path directory, DeviceConfig device) throws IOException {
    try (RunFiles files = RunFiles.open(directory)) {
      return open(files, device);
    }
  }

  /**
   * The same of a run that is open.
   *
   * @param files stay the caller's
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
