package dev.culebra.train;

import dev.culebra.backend.Backend;
import dev.culebra.data.Corpora;
import dev.culebra.data.Corpus;
import dev.culebra.nn.Gpt;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Everything a training run holds, opened in the right order and closed in the reverse one: device,
 * text, run directory, model, trainer. Three ways to begin: {@link #start}, {@link #finetune},
 * {@link #resume}.
 */
public final class TrainingRun implements AutoCloseable {
  private final TrainConfig config;
  private final Owned owned;
  private final Corpus corpus;
  private final RunFiles files;
  private final Gpt model;
  private final Trainer trainer;

  private TrainingRun(
      TrainConfig config,
      Owned owned,
      Corpus corpus,
      RunFiles files,
      Gpt model,
      TrainListener listener)
      throws IOException {
    this.config = config;
    this.owned = owned;
    this.corpus = corpus;
    this.files = files;
    this.model = model;
    this.trainer = owned.add(new Trainer(model, config, corpus, files, listener));
  }

  /**
   * Begins a run in a new directory.
   *
   * @param directory where to write; must not hold a run
   * @throws IOException if a file cannot be read or written; one line that says which
   * @throws dev.culebra.data.DataException if the text cannot be used
   * @throws Devices.UnavailableException if the device cannot be used
   */
  public static TrainingRun start(TrainConfig config, RunPlace place, TrainListener listener)
      throws IOException {
    try (Owned owned = new Owned()) {
      Backend backend = owned.add(Devices.open(config.device(), config.threads()));
      Corpus corpus = owned.add(Corpora.ofUser().open(config.data(), config.tokenizer()));
      corpus.requireContext(config.context());
      Gpt model =
          owned.add(new Gpt(config.model(corpus.tokenizer().vocab()), backend, config.seed()));
      RunFiles files = owned.add(RunFiles.create(place, config, corpus.tokenizer()));
      return new TrainingRun(config, owned.handOver(), corpus, files, model, listener);
    }
  }

  /**
   * Begins a run in a new directory with the weights and the tokenizer of another.
   *
   * @param from a run directory; its best checkpoint is taken, or the last where there is none
   * @throws IOException also if the shape of the model differs
   */
  public static TrainingRun finetune(
      TrainConfig config, Path from, RunPlace place, TrainListener listener) throws IOException {
    try (Owned owned = new Owned();
        RunFiles source = RunFiles.open(from)) {
      Tokenizer tokenizer = source.tokenizer();
      source.requireSameModel(config);
      Backend backend = owned.add(Devices.open(config.device(), config.threads()));
      Corpus corpus = owned.add(Corpora.ofUser().open(config.data(), tokenizer));
      corpus.requireContext(config.context());
      Gpt model = owned.add(new Gpt(config.model(tokenizer.vocab()), backend, config.seed()));
      source.loadWeights(model);
      RunFiles files = owned.add(RunFiles.create(place, config, tokenizer));
      return new TrainingRun(config, owned.handOver(), corpus, files, model, listener);
    }
  }

  /**
   * Continues the run in {@code directory} with its own configuration from its last checkpoint, or
   * from the beginning where it has none yet.
   *
   * @throws IOException if it is no run, or another process trains in it
   */
  public static TrainingRun resume(Path directory, TrainListener listener) throws IOException {
    try (Owned owned = new Owned()) {
      RunFiles files = owned.add(RunFiles.openLocked(directory));
      TrainConfig config = files.config();
      Backend backend = owned.add(Devices.open(config.device(), config.threads()));
      Corpus corpus = owned.add(Corpora.ofUser().open(config.data(), files.tokenizer()));
      Gpt model =
          owned.add(new Gpt(config.model(corpus.tokenizer().vocab()), backend, config.seed()));
      return new TrainingRun(config, owned.handOver(), corpus, files, model, listener);
    }
  }
}
