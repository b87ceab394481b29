package dev.culebra.train;

import static dev.culebra.train.TrainingConfig.DECAY_FROM;
import static dev.culebra.train.TrainingConfig.MINUTES;
import static dev.culebra.train.TrainingConfig.STEPS;

import dev.culebra.backend.Backend;
import dev.culebra.backend.OutOfDeviceMemoryException;
import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.data.Corpora;
import dev.culebra.data.Corpus;
import dev.culebra.data.DataException;
import dev.culebra.data.DataSpec;
import dev.culebra.data.Dataset;
import dev.culebra.data.TextConventions;
import dev.culebra.data.TokenizerChoice;
import dev.culebra.io.Owned;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.GptConfig;
import dev.culebra.optim.Optimizer;
import dev.culebra.options.Option;
import dev.culebra.options.OptionException;
import dev.culebra.options.Options;
import dev.culebra.options.ValueType;
import dev.culebra.options.Wording;
import dev.culebra.text.CharTokenizer;
import dev.culebra.text.Tokenizer;
import dev.culebra.text.TokenizerKind;
import dev.culebra.text.UnknownCharacterException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A training run of a {@link Gpt} with everything that its {@link TrainConfig} describes: device,
 * data, run directory, model, optimizer and trainer, opened in this order and closed in reverse.
 * Created by {@link #start}, {@link #finetune} or {@link #resume}.
 */
public final class TrainingRun implements AutoCloseable {
  /** An option of {@link #finetune}, not of a run: defined only so that messages can name it. */
  private static final Option<Boolean, Boolean> GROW_VOCAB =
      Option.of("growVocab", ValueType.SWITCH, grow -> grow);

  /** Creates the directory of a new run, once everything else has been checked. */
  @FunctionalInterface
  public interface Place {
    RunDirectory create() throws IOException;
  }

  private final Owned owned = new Owned();
  private final Backend backend;

  /** The content of {@code config.json}; {@link #config} may name another device. */
  private TrainConfig told;

  private TrainConfig config;
  private Dataset data;
  private Gpt model;
  private RunFiles files;
  private Trainer trainer;

  /**
   * How to resume a run.
   *
   * @param changes new values; written to the run
   * @param machine changes of the device; not written to the run
   * @param fromBest whether to resume from the best checkpoint, with a new optimizer state, instead
   *     of the last; a run that has taken all its steps and gets no more resumes from the last
   * @param newDecay whether the learning rate schedule restarts, instead of being stretched to the
   *     new length
   * @param acceptChanges whether {@code config.json} and {@code tokenizer.json} may differ from
   *     those that the checkpoint was written with
   * @param dataChanged whether the data may be other than what the run was trained on
   */
  public record Resumption(
      Options changes,
      Options machine,
      boolean fromBest,
      boolean newDecay,
      boolean acceptChanges,
      boolean dataChanged) {}

  private TrainingRun(TrainConfig config) {
    this.told = config;
    this.config = config;
    this.backend = owned.add(Devices.open(config.device()));
  }

  /**
   * Starts a run.
   *
   * @throws IOException with one line that names the file, if it cannot be read or written
   * @throws DataException if the data cannot be used or has a user-defined tokenizer
   * @throws OptionException if special tokens are to be recognised and there are none, or no text
   * @throws Devices.UnavailableException if the device cannot be used
   */
  public static TrainingRun start(
      TrainConfig config, Corpora corpora, Place place, TrainListener listener) throws IOException {
    TrainingRun run = new TrainingRun(config);
    try {
      DataConfig named = config.data();
      Dataset data = run.owned.add(corpora.dataset(named.spec(), named.tokenizer()));
      requireSpecialTokens(named, data);
      run.openModel(data, false);
      run.files = run.owned.add(RunFiles.in(place.create()));
      run.files.identifyData(run.data);
      run.describe(corpora, "");
      run.openTrainer(listener);
      return run;
    } catch (Throwable e) { // even an Error must leave nothing open
      run.owned.closeAfter(e);
      throw e;
    }
  }

  /**
   * Starts a run with the weights and the tokenizer of another program's model, or of another run's
   * best checkpoint, or its last if there is no best. Its context may be shorter than that of the
   * model: later positions are left out.
   *
   * @param growVocab whether characters of the data that the other run does not know become tokens;
   *     their rows of the embedding, and of an untied head, are drawn from the seed
   * @throws IOException as {@link #start}, or if the other run's model has another shape
   * @throws DataException as {@link #start}, or if the tokenizer cannot grow because it is not a
   *     character tokenizer
   */
  public static TrainingRun finetune(
      TrainConfig config,
      ModelFiles from,
      boolean growVocab,
      Corpora corpora,
      Place place,
      TrainListener listener)
      throws IOException {
    if (config.data().skipUnknown() && !corpora.canLeaveOutCharacters(config.data().data())) {
      throw new DataException(
          new Wording(
              "%s is for texts: an answer in %s would change without some of its characters",
              DataConfig.SKIP_UNKNOWN, config.data().data()),
          null);
    }
    Tokenizer known = from.tokenizer();
    requireSameShape(from, config);
    from.requireSound();
    Tokenizer tokenizer = growVocab ? grown(known, corpora, config.data().spec()) : known;
    TrainingRun run = new TrainingRun(config);
    try {
      boolean all = tokenizer.vocab() == known.vocab();
      Dataset data = run.owned.add(openWithCharactersOf(corpora, config, tokenizer));
      requireSpecialTokens(config.data(), data);
      run.openModel(data, all);
      from.loadWeights(run.model, known.vocab());
      run.files = run.owned.add(RunFiles.in(place.create()));
      run.files.identifyData(run.data);
      Parent parent = from.asParent();
      parent.write(run.files.directory().parent());
      TextConventions conventions = from.conventions();
      if (!conventions.equals(TextConventions.of(known))) {
        conventions.save(tokenizer, run.files.path());
      }
      run.saveUntrainedOptimizer(Progress.START);
      run.describe(corpora, parent.run());
      run.openTrainer(listener);
      return run;
    } catch (Throwable e) { // even an Error must leave nothing open
      run.owned.closeAfter(e);
      throw e;
    }
  }

  /** {@code --special} must not be accepted where it changes nothing. */
  private static void requireSpecialTokens(DataConfig named, Dataset data) {
    if (!named.special()) {
      return;
    }
    if (!(data instanceof Corpus)) {
      throw new OptionException(
          "%s is for texts, which %s is not", DataConfig.SPECIAL, named.data());
    }
    if (!data.tokenizer().hasSpecialTokens()) {
      throw new OptionException(
          "%s needs a tokenizer with special tokens: %s has none",
          DataConfig.SPECIAL, data.tokenizer());
    }
  }

  private static Tokenizer grown(Tokenizer known, Corpora corpora, DataSpec data)
      throws IOException {
    if (known instanceof CharTokenizer characters) {
      return characters.with(corpora.characters(data));
    }
    throw new DataException(
        new Wording("%s is for character models: %s cannot learn new tokens", GROW_VOCAB, known),
        null);
  }

  private static Dataset openWithCharactersOf(
      Corpora corpora, TrainConfig config, Tokenizer tokenizer) throws IOException {
    String name = config.data().data();
    try {
      return corpora.dataset(config.data().spec(), tokenizer);
    } catch (DataException e) {
      if (e.getCause() instanceof UnknownCharacterException) {
        Wording skip =
            corpora.canLeaveOutCharacters(name)
                ? new Wording("%s skips them, ", DataConfig.SKIP_UNKNOWN)
                : Wording.NONE;
        throw new DataException(
            new Wording("%s: %s%s adds them as tokens", e.wording(), skip, GROW_VOCAB), e);
      }
      throw e;
    }
  }

  /** Options that neither shape nor interpret the weights may differ. */
  private static void requireSameShape(ModelFiles from, TrainConfig config) throws IOException {
    TrainConfig known = from.config();
    Options theirs = known.weightsShape();
    Options ours = config.weightsShape();
    if (config.model().context() <= known.model().context()) {
      theirs = theirs.without(GptConfig.CONTEXT);
      ours = ours.without(GptConfig.CONTEXT);
    }
    if (!theirs.equals(ours)) {
      throw new CheckpointException(
          new Wording(
              "the model of %s has another shape: it has %s, this run %s",
              from.path(), theirs.minus(ours), ours.minus(theirs)));
    }
  }

  /**
   * Continues a run with its own configuration from its last checkpoint, or from the beginning if
   * it has none yet.
   *
   * @throws IOException if there is no run, it is damaged, or another process is training in it
   * @throws OptionException if a change is invalid
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
      Dataset data = run.owned.add(run.sameData(directory, corpora, tokenizer));
      if (!how.dataChanged()) {
        files.requireData(data, fromBest ? files.weights() : files.directory().last());
      }
      files.identifyData(data);
      run.openModel(data, fromBest || Files.exists(files.directory().last()));
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
    } catch (Throwable e) { // even an Error must leave nothing open
      if (run != null) {
        run.owned.closeAfter(e);
      }
      files.closeAfter(e);
      throw e;
    }
  }

  /** What a run could read when it was trained has changed if it cannot be read any more. */
  private Dataset sameData(Path directory, Corpora corpora, Tokenizer tokenizer)
      throws IOException {
    DataSpec spec = config.data().spec();
    try {
      return corpora.dataset(spec, tokenizer);
    } catch (DataException e) {
      if (e.getCause() instanceof UnknownCharacterException) {
        throw new DataException(
            new Wording(
                "%s is not as it was when %s was trained: %s", spec.data(), directory, e.wording()),
            e);
      }
      throw e;
    }
  }

  /** Whether the last checkpoint has all steps. If it is damaged, the best one is used. */
  private static boolean isFinished(RunFiles files, TrainConfig config) {
    try {
      return files.progress(false).step() >= config.training().steps();
    } catch (IOException e) {
      return false;
    }
  }

  private static TrainConfig changed(TrainConfig before, Resumption how, Progress progress) {
    Options changes = how.changes();
    TrainConfig told = before.changedBy(changes);
    boolean timeIsUp = told.training().timeGone(progress.seconds()) == 1;
    if (timeIsUp && changes.has(MINUTES)) {
      throw new OptionException(
          "%s is not more than %.1f, the minutes trained so far",
          MINUTES.set(told.training().minutes()), progress.seconds() / 60);
    }
    if (timeIsUp && changes.has(STEPS)) { // from here on only steps count
      told = told.with(Options.NONE.with(MINUTES, 0f));
    }
    if (told.training().decayFrom()
        > progress.step()) { // resuming from a checkpoint before the new decay
      told = told.with(Options.NONE.with(DECAY_FROM, progress.step()));
    }
    int steps = told.training().steps();
    if (steps != before.training().steps() && steps < progress.step()) {
      throw new OptionException(
          "%s is less than %d, the steps taken so far", STEPS.set(steps), progress.step());
    }
    if (!how.newDecay()) {
      return told;
    }
    if (told.training().minutes() > 0) {
      throw new OptionException("a new decay needs %s, not %s", STEPS, MINUTES);
    }
    if (steps <= progress.step()) {
      throw new OptionException(
          "a new decay needs %s above %d, the steps taken so far", STEPS, progress.step());
    }
    return told.with(Options.NONE.with(DECAY_FROM, progress.step()));
  }

  /**
   * @param loaded whether weights are loaded afterwards, so that none need to be drawn
   */
  private void openModel(Dataset data, boolean loaded) {
    this.data = data;
    if (TokenizerKind.of(data.tokenizer()).isEmpty()) {
      throw new DataException(
          "%s has a tokenizer that a run cannot open again, %s: give both to a Trainer"
              .formatted(data.name(), data.tokenizer()));
    }
    data.requireContext(config.model().context());
    TrainingConfig training = config.training();
    try {
      GptConfig shape = config.model().withVocab(vocab());
      model =
          owned.add(
              loaded ? Gpt.toBeLoaded(shape, backend) : new Gpt(shape, backend, training.seed()));
      model.plan(training.batch(), shape.context(), config.device().recompute());
    } catch (OutOfDeviceMemoryException e) {
      throw MemoryAdvice.explain(e, config, data, backend);
    }
  }

  /**
   * Writes the effective configuration: token files bring their own tokenizer, and paths are made
   * absolute.
   */
  private void describe(Corpora corpora, String initFrom) throws IOException {
    DataConfig named = config.data();
    Options found =
        Options.NONE
            .with(DataConfig.DATA, corpora.settled(named.data()))
            .with(TrainConfig.INIT_FROM, initFrom);
    if (!named.valData().isEmpty()) {
      found = found.with(DataConfig.VAL_DATA, corpora.settled(named.valData()));
    }
    TokenizerKind kind = TokenizerKind.of(data.tokenizer()).orElse(null);
    if (kind != null) {
      found = found.with(DataConfig.TOKENIZER, TokenizerChoice.of(kind));
    }
    config = config.with(found);
    told = config;
    files.begin(config, data.tokenizer());
  }

  /** Saves the run's initial weights, since it may be killed before its next checkpoint. */
  private void saveUntrainedOptimizer(Progress progress) throws IOException {
    files.identify(config, data.tokenizer());
    TrainingConfig training = config.training();
    try (Optimizer untouched =
        Optimizer.of(training.optimizer(), model.parameters(), training.adamW(), training.seed())) {
      files.saveLast(model, untouched, progress);
    }
  }

  private void openTrainer(TrainListener listener) throws IOException {
    TrainingConfig training = config.training();
    try {
      Optimizer optimizer =
          owned.add(
              Optimizer.of(
                  training.optimizer(), model.parameters(), training.adamW(), training.seed()));
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
   * @return the progress of the run
   * @throws TrainingStoppedException if the loss is NaN or infinite
   * @throws IOException if a file cannot be written; the last checkpoint is then unchanged
   */
  public Progress run() throws IOException {
    Progress progress = trainer.run();
    if (trainer.isAtEnd() && progress.step() != config.training().steps()) {
      Options ended = Options.NONE.with(STEPS, progress.step());
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

  /** The configuration, including the device. */
  public TrainConfig config() {
    return config;
  }

  /** Whether the run had ended and written its final sample before it was opened here. */
  public boolean wasFinished() {
    return trainer.progress().step() >= config.training().steps()
        && files.lastSampleStep() >= config.training().steps()
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

  /** Closes everything, even if something fails to close; the first failure is thrown. */
  @Override
  public void close() throws IOException {
    try {
      owned.close();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
