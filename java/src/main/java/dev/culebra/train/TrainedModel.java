package dev.culebra.train;

import dev.culebra.backend.Backend;
import dev.culebra.nn.Gpt;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;

/** A model from a run directory, to sample from or to measure; in eval mode. */
public final class TrainedModel implements AutoCloseable {
  private final TrainConfig config;
  private final Tokenizer tokenizer;
  private final Backend backend;
  private final Gpt model;

  private TrainedModel(TrainConfig config, Tokenizer tokenizer, Backend backend) {
    this.config = config;
    this.tokenizer = tokenizer;
    this.backend = backend;
    this.model = Gpt.toBeLoaded(config.model(tokenizer.vocab()), backend);
    model.eval();
  }

  /**
   * Reads the best weights of a run, or the last where none are called best.
   *
   * @throws IOException if there is no run or it is damaged; one line that names the file
   * @throws Devices.UnavailableException if the device cannot be used
   */
  public static TrainedModel open(Path directory, DeviceConfig device) throws IOException {
    try (RunFiles files = RunFiles.open(directory)) {
      TrainConfig config = files.config();
      Tokenizer tokenizer = files.tokenizer();
      TrainedModel trained = new TrainedModel(config, tokenizer, Devices.open(device));
      try {
        files.loadWeights(trained.model);
        return trained;
      } catch (IOException | RuntimeException e) {
        trained.close();
        throw e;
      }
    }
  }

  public TrainConfig config() {
    return config;
  }

  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** What a text begins after: a line's end, or token 0 where there is none. */
  public int[] start() {
    return SampleWriter.start(tokenizer);
  }

  public Gpt model() {
    return model;
  }

  @Override
  public void close() {
    model.close();
    backend.close();
  }
}
