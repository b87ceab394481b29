package dev.culebra.train;

import dev.culebra.backend.Backend;
import dev.culebra.backend.OutOfDeviceMemoryException;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.data.Corpora;
import dev.culebra.data.DataException;
import dev.culebra.data.Dataset;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.io.Owned;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.optim.Optimizer;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.TokenizerKind;
import dev.culebra.text.UnknownCharacterException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Everything that a training run of a {@link Gpt} holds as its {@link TrainConfig} says: device,
 * data, run directory, model, optimizer, trainer, opened in this order and closed in the reverse
 * one. It begins with {@link #start}, {@link #finetune} or {@link #resume}.
 */
public final class TrainingRun implements AutoCloseable {
  /** Makes the directory of a new run, when all else is known to be in order. */
  @FunctionalInterface
  public interface Place {
    RunDirectory create() throws IOException;
  }

  private final Owned owned = new Owned();
  private final Backend backend;

  /** What {@code config.json} says; {@link #config} may compute elsewhere. */
  private TrainConfig told;

  private TrainConfig config;
  private Dataset data;
  private Gpt model;
  private RunFiles files;
  private Trainer trainer;

  /**
   * How a run goes on.
   *
   * @param changes what is told anew; written to the run
   * @param machine where to compute from here on, where that is to change; not written to the run
   * @param fromBest whether from the best checkpoint, whose optimizer knows nothing of its past,
   *     instead of the last; of a run that has taken all its steps and is not told more of them the
   *     last is
   * @param newDecay whether the learning rate's schedule begins again, instead of being stretched
   *     to the new length
   * @param acceptChanges whether {@code config.json} and {@code tokenizer.json} may differ from
   *     what the checkpoint was written with
   */
  public record Resumption(
      TrainOptions changes,
      TrainOptions machine,
      boolean fromBest,
      boolean newDecay,
      boolean acceptChanges) {}

  private TrainingRun(TrainConfig config) {
    this.told = config;
    this.config = config;
    this.backend = owned.add(Devices.open(config.deviceConfig()));
  }

  /**
   * Begins a run.
   *
   * @throws IOException if a file cannot be read or written; one line that names it
   * @throws DataException if the text cannot be used
   * @throws Devices.UnavailableException if the device cannot be used
   */
  public static TrainingRun start(
      TrainConfig config, Corpora corpora, Place place, TrainListener listener) throws IOException {
    TrainingRun run = new TrainingRun(config);
    try {
      run.openModel(corpora.dataset(config.data(), config.tokenizer()), false);
      run.files = run.owned.add(RunFiles.in(place.create()));
      run.describe(corpora);
      run.openTrainer(listener);
      return run;
    } catch (Throwable e) { // an Error too must leave nothing open
      run.owned.closeAfter(e);
      throw e;
    }
  }

  /**
   * Begins a run with the weights and the tokenizer of another, whose best checkpoint is taken, or
   * the last where there is no best.
   *
   * @param growVocab whether the characters of the data that the other run does not know become
   *     tokens, with rows of the embedding, and of a head of its own, that are drawn from the seed
   * @throws IOException also if the other run's model has another shape
   * @throws DataException also if the tokenizer cannot grow, since it is not one of characters
   */
  public static TrainingRun finetune(
      TrainConfig config,
      RunFiles from,
      boolean growVocab,
      Corpora corpora,
      Place place,
      TrainListener listener)
      throws IOException {
    if (config.skipUnknown() && !corpora.canLeaveOutCharacters(config.data())) {
      throw new DataException(
          "--skip-unknown is for texts: without some of its characters an answer in %s would be"
                  .formatted(config.data())
              + " another one");
    }
    Tokenizer known = from.tokenizer();
    requireSameShape(from, config);
    from.requireModel(from.config(), known, from.weights());
    Tokenizer tokenizer = growVocab ? grown(known, corpora, config.data()) : known;
    TrainingRun run = new TrainingRun(config);
    try {
      boolean all = tokenizer.vocab() == known.vocab();
      run.openModel(openWithCharactersOf(corpora, config, tokenizer), all);
      from.loadWeights(run.model, known.vocab());
      run.files = run.owned.add(RunFiles.in(place.create()));
      from.asParent().write(run.files.directory().parent());
      run.saveUntrainedOptimizer(Progress.START);
      run.describe(corpora);
      run.openTrainer(listener);
      return run;
    } catch (Throwable e) { // an Error too must leave nothing open
      run.owned.closeAfter(e);
      throw e;
    }
  }

  private static Tokenizer grown(Tokenizer known, Corpora corpora, String data) throws IOException {
    if (known instanceof CharTokenizer characters) {
      return characters.with(corpora.characters(data));
    }
    throw new DataException(
        "--grow-vocab is for models of characters: %s has no new ones to learn".formatted(known));
  }

  private static Dataset openWithCharactersOf(
      Corpora corpora, TrainConfig config, Tokenizer tokenizer) throws IOException {
    String name = config.data();
    try {
      return corpora.dataset(name, tokenizer, config.skipUnknown());
    } catch (DataException e) {
      if (e.getCause() instanceof UnknownCharacterException) {
        String skip =
            corpora.canLeaveOutCharacters(name) ? "--skip-unknown leaves these out, " : "";
        throw new DataException(
            "%s: %s--grow-vocab makes them tokens".formatted(e.getMessage(), skip), e);
      }
      throw e;
    }
  }

  /** What is no part of the weights and does not change what they mean may differ. */
  private static void requireSameShape(RunFiles from, TrainConfig config) throws IOException {
    List<String> theirs = from.config().flagsOfWeights();
    List<String> ours = config.flagsOfWeights();
    if (!theirs.equals(ours)) {
      throw new CheckpointException(
          "the model of %s has another shape: it has %s, this run %s"
              .formatted(from.directory().path(), without(theirs, ours), without(ours, theirs)));
    }
  }

  private static String without(List<String> flags, List<String> common) {
    return flags.stream().filter(flag -> !common.contains(flag)).collect(Collectors.joining(" "));
  }

  /**
   * Continues a run with its own configuration from its last checkpoint, or from the beginning
   * where it has none yet.
   *
   * @throws IOException if there is no run, it is damaged, or another process trains in it
   * @throws IllegalArgumentException with one line that names the option, if a change is impossible
   */
  public static TrainingRun resume(
      Path directory, Resumption how, Corpora corpora, TrainListener listener) throws IOException {
    RunFiles files = RunFiles.openLocked(directory);
    TrainingRun run = null;
    try {
      if (how.acceptChanges()) {
        files.acceptChanges();
      }
      TrainConfig before = files.config();
      boolean fromBest = how.fromBest() && !isFinished(files, before.changedBy(how.changes()));
      TrainConfig told = changed(before, how, files.progress(fromBest));
      Tokenizer tokenizer = files.tokenizer();
      files.requireModel(told, tokenizer, fromBest ? files.weights() : files.directory().last());
      files.identify(told, tokenizer);
      run = new TrainingRun(told.with(how.machine()));
      run.told = told;
      run.openModel(
          corpora.dataset(run.config.data(), tokenizer, run.config.skipUnknown()),
          fromBest || Files.exists(files.directory().last()));
      run.files = files;
      if (fromBest) {
        files.loadWeights(run.model);
        run.saveUntrainedOptimizer(files.progress(true));
      }
      run.openTrainer(listener);
      if (!told.equals(before)) {
        files.saveConfig(told);
      }
      run.owned.add(files);
      return run;
    } catch (Throwable e) { // an Error too must leave nothing open
      if (run != null) {
        run.owned.closeAfter(e);
      }
      files.close();
      throw e;
    }
  }

  /**
   * Whether the last checkpoint has all steps. One that is damaged is a reason to take the best.
   */
  private static boolean isFinished(RunFiles files, TrainConfig config) {
    try {
      return files.progress(false).step() >= config.steps();
    } catch (IOException e) {
      return false;
    }
  }

  private static TrainConfig changed(TrainConfig before, Resumption how, Progress progress) {
    TrainOptions changes = how.changes();
    TrainConfig told = before.changedBy(changes);
    boolean timeIsUp = told.timeGone(progress.seconds()) == 1;
    if (timeIsUp && changes.minutes != null) {
      throw new IllegalArgumentException(
          "--minutes %s is no more than the %.1f that the run has trained"
              .formatted(told.minutes(), progress.seconds() / 60));
    }
    if (timeIsUp && changes.steps != null) { // from here on it goes by steps alone
      told = told.with(new TrainOptions().minutes(0f));
    }
    if (told.decayFrom() > progress.step()) { // back at a checkpoint before the new decay
      told = told.with(new TrainOptions().decayFrom(progress.step()));
    }
    if (told.steps() != before.steps() && told.steps() < progress.step()) {
      throw new IllegalArgumentException(
          "--steps %d is less than the %d that the run has taken"
              .formatted(told.steps(), progress.step()));
    }
    if (!how.newDecay()) {
      return told;
    }
    if (told.minutes() > 0) {
      throw new IllegalArgumentException("--new-decay goes with --steps, not with --minutes");
    }
    if (told.steps() <= progress.step()) {
      throw new IllegalArgumentException(
          "--new-decay needs --steps of more than the %d that the run has taken"
              .formatted(progress.step()));
    }
    return told.with(new TrainOptions().decayFrom(progress.step()));
  }

  /**
   * @param loaded whether weights are loaded next, so that none need to be drawn
   */
  private void openModel(Dataset data, boolean loaded) {
    this.data = owned.add(data);
    data.requireContext(config.context());
    try {
      GptConfig shape = config.model(vocab());
      model =
          owned.add(
              loaded ? Gpt.toBeLoaded(shape, backend) : new Gpt(shape, backend, config.seed()));
      model.plan(config.batch(), config.context(), config.recompute());
    } catch (OutOfDeviceMemoryException e) {
      throw MemoryAdvice.explain(e, config, data, backend);
    }
  }

  /**
   * Writes what the run is told, as it turned out: token files bring their own tokenizer, and a
   * path must be found again from anywhere.
   */
  private void describe(Corpora corpora) throws IOException {
    config =
        config.with(
            new TrainOptions()
                .tokenizer(TokenizerKind.of(data.tokenizer()).map(TokenizerChoice::of).orElse(null))
                .data(corpora.settled(config.data())));
    told = config;
    files.begin(config, data.tokenizer());
  }

  /**
   * Saves the weights that the run begins with here: it may be killed before its next checkpoint.
   */
  private void saveUntrainedOptimizer(Progress progress) throws IOException {
    files.identify(config, data.tokenizer());
    try (Optimizer untouched =
        Optimizer.of(config.optimizer(), model.parameters(), config.adamW(), config.seed())) {
      files.saveLast(model, untouched, progress);
    }
  }

  private void openTrainer(TrainListener listener) throws IOException {
    try {
      Optimizer optimizer =
          owned.add(
              Optimizer.of(config.optimizer(), model.parameters(), config.adamW(), config.seed()));
      trainer = owned.add(new Trainer(model, optimizer, data, config, files, listener));
    } catch (OutOfDeviceMemoryException e) {
      throw MemoryAdvice.explain(e, config, data, backend);
    }
  }

  private int vocab() {
    return data.tokenizer().vocab();
  }

  /**
   * Trains to the end, or until {@link Trainer#requestStop}.
   *
   * @return how far it came
   * @throws TrainingStoppedException if the loss is no number any more
   * @throws IOException if a file cannot be written; the last checkpoint is then as it was
   */
  public Progress run() throws IOException {
    Progress progress = trainer.run();
    if (trainer.isAtEnd() && progress.step() != config.steps()) {
      TrainOptions ended = new TrainOptions().steps(progress.step());
      config = config.with(ended);
      told = told.with(ended);
      files.saveConfig(told);
    }
    if (!trainer.stopRequested()) {
      String sample = trainer.sample();
      if (sample != null) {
        files.writeSample(sample);
      }
    }
    return progress;
  }

  /** What it is told, where it computes included. */
  public TrainConfig config() {
    return config;
  }

  /** Whether it had come to its end and shown what it learned before it was opened here. */
  public boolean wasFinished() {
    return trainer.progress().step() >= config.steps()
        && files.lastSampleStep() >= config.steps()
        && Files.exists(files.directory().sample());
  }

  public Gpt model() {
    return model;
  }

  public Dataset data() {
    return data;
  }

  public RunFiles files() {
    return files;
  }

  public Trainer trainer() {
    return trainer;
  }

  /** Closes everything, also when something fails to close; the first failure is thrown. */
  @Override
  public void close() throws IOException {
    try {
      owned.close();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
