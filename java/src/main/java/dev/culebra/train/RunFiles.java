package dev.culebra.train;

import dev.culebra.checkpoint.CheckpointException;
import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.MetricsLog;
import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.checkpoint.Safetensors;
import dev.culebra.checkpoint.SafetensorsWriter;
import dev.culebra.checkpoint.SafetensorsWriter.Item;
import dev.culebra.checkpoint.Sample;
import dev.culebra.checkpoint.SampleLog;
import dev.culebra.data.Dataset;
import dev.culebra.data.Holdout;
import dev.culebra.data.TextConventions;
import dev.culebra.data.TokenizerFile;
import dev.culebra.io.AtomicFile;
import dev.culebra.nn.Gpt;
import dev.culebra.nn.LanguageModel;
import dev.culebra.optim.Optimizer;
import dev.culebra.options.Naming;
import dev.culebra.options.OptionException;
import dev.culebra.options.Options;
import dev.culebra.tensor.DType;
import dev.culebra.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A run on disk. A checkpoint is one file, always replaced as a whole: weights and the optimizer's
 * {@link Optimizer.State}s under their names, and the {@link Progress} in its metadata. The state
 * of the random generators and the order of the data follow from the step.
 */
public final class RunFiles implements ModelFiles {
  private final RunDirectory directory;
  private boolean changesAccepted;

  /** What the next checkpoint says that it belongs to. */
  private CheckpointOrigin origin = CheckpointOrigin.UNKNOWN;

  private final List<String> warnings = new ArrayList<>();
  private MetricsLog log;
  private SampleLog samples;

  private RunFiles(RunDirectory directory) {
    this.directory = directory;
  }

  /**
   * Starts a run in {@code path}, or opens the existing run there to resume it with {@code config}.
   * For a {@link Trainer} with a user-defined model and data. Locks the run.
   *
   * @throws IOException with one line, if another process is training in it, a file is damaged, or
   *     its checkpoint belongs to another tokenizer or to a model with other options
   */
  public static RunFiles beginOrContinue(Path path, TrainConfig config, Tokenizer tokenizer)
      throws IOException {
    boolean isNew = !RunDirectory.isRun(path);
    RunFiles files =
        new RunFiles(isNew ? RunDirectory.create(path) : RunDirectory.openLocked(path));
    try {
      if (isNew) {
        files.begin(config, tokenizer);
      } else {
        files.requireSame(config, tokenizer);
        files.identify(config, tokenizer);
        files.saveConfig(config);
      }
      return files;
    } catch (Throwable e) { // even an Error must leave nothing open
      files.closeAfter(e);
      throw e;
    }
  }

  private void requireSame(TrainConfig config, Tokenizer tokenizer) throws IOException {
    if (!Files.exists(directory.last())) {
      return;
    }
    try (Safetensors weights = Safetensors.open(directory.last())) {
      requireOrigin(config, tokenizer, weights);
    }
  }

  private void requireOrigin(TrainConfig config, Tokenizer tokenizer, Safetensors checkpoint)
      throws CheckpointException {
    CheckpointOrigin.of(checkpoint).requireModel(config, tokenizer, directory, checkpoint.file());
  }

  /** Like {@link #close}, but adds a failure to {@code cause} as a suppressed exception. */
  void closeAfter(Throwable cause) {
    try {
      close();
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  /** The files of a new run, none of which exists yet. */
  static RunFiles in(RunDirectory directory) {
    return new RunFiles(directory);
  }

  /**
   * Writes the first files of a run: the tokenizer, then the configuration, which makes it a run.
   */
  void begin(TrainConfig config, Tokenizer tokenizer) throws IOException {
    TokenizerFile.save(tokenizer, directory.tokenizer());
    saveConfig(config);
    identify(config, tokenizer);
  }

  /** Sets the model that checkpoints written from now on belong to. */
  void identify(TrainConfig config, Tokenizer tokenizer) {
    origin = origin.ofModel(config, tokenizer);
  }

  /** Sets the data that checkpoints written from now on belong to. */
  void identifyData(Dataset data) {
    origin = origin.ofData(data);
  }

  /**
   * Refuses other data than a checkpoint of this run was trained on.
   *
   * @param checkpoint of this run; nothing is checked if it does not exist, or was written by a
   *     version that did not record its data
   * @throws DataChangedException one line that says what differs
   */
  void requireData(Dataset data, Path checkpoint) throws IOException {
    if (Files.exists(checkpoint)) {
      try (Safetensors weights = Safetensors.open(checkpoint)) {
        CheckpointOrigin.of(weights).requireData(data, directory.path());
      }
    }
  }

  /** Accepts {@code config.json} and {@code tokenizer.json} as they are now. */
  public RunFiles acceptChanges() {
    changesAccepted = true;
    return this;
  }

  /**
   * Rejects files that do not belong together, before memory of the sizes they claim is allocated:
   * a configuration or a tokenizer that has changed since the weights were written, unless that was
   * accepted, and weights of other sizes.
   *
   * @param checkpoint of this run; if it does not exist, nothing is checked
   * @throws CheckpointException with one line that says what differs
   */
  void requireModel(TrainConfig config, Tokenizer tokenizer, Path checkpoint) throws IOException {
    if (!Files.exists(checkpoint)) {
      return;
    }
    try (Safetensors weights = Safetensors.open(checkpoint)) {
      try {
        if (!changesAccepted) {
          requireOrigin(config, tokenizer, weights);
        }
        CheckpointTensors.requireSizes(
            weights, config.model().withVocab(tokenizer.vocab()), directory.config());
      } catch (CheckpointException e) {
        weights.verify(); // a damaged file must not look like another model
        throw e;
      }
    }
  }

  /** Replaces the configuration. */
  void saveConfig(TrainConfig config) throws IOException {
    AtomicFile.write(directory.config(), config.toJson());
  }

  /**
   * Opens a run read-only.
   *
   * @throws CheckpointException if there is none
   */
  public static RunFiles open(Path path) throws CheckpointException {
    return new RunFiles(RunDirectory.open(path));
  }

  /** Opens a run to resume it. */
  static RunFiles openLocked(Path path) throws IOException {
    return new RunFiles(RunDirectory.openLocked(path));
  }

  @Override
  public Path path() {
    return directory.path();
  }

  /** Where the files are. */
  public RunDirectory directory() {
    return directory;
  }

  @Override
  public TrainConfig config() throws IOException {
    try {
      Options told = TrainConfig.read(directory.config());
      if (!told.has(DataConfig.VAL_SPLIT)) { // written by a version that had only this rule
        told = told.with(DataConfig.VAL_SPLIT, Holdout.Rule.END);
      }
      return TrainConfig.of(told);
    } catch (OptionException e) {
      throw new CheckpointException(directory.config() + ": " + e.wording().in(Naming.FIELDS));
    }
  }

  @Override
  public Tokenizer tokenizer() throws IOException {
    return TokenizerFile.load(directory.tokenizer());
  }

  @Override
  public TextConventions conventions() throws IOException {
    return Files.exists(directory.tokenizerConfig())
        ? TextConventions.read(directory.path(), tokenizer(), List.of())
        : TextConventions.of(tokenizer());
  }

  @Override
  public void requireSound() throws IOException {
    requireModel(config(), tokenizer(), weights());
  }

  /** The best weights, or the last if none are marked best; neither may exist. */
  Path weights() {
    return Files.exists(directory.best()) ? directory.best() : directory.last();
  }

  /**
   * Reads the best weights, or the last if none are marked best, into {@code model}.
   *
   * @return the file they came from
   * @throws IOException with one line, if there are none yet or they are damaged or do not fit
   */
  public Path loadWeights(LanguageModel model) throws IOException {
    return readWeights(model, model.vocab());
  }

  @Override
  public void loadWeights(Gpt model, int vocab) throws IOException {
    readWeights(model, vocab);
  }

  private Path readWeights(LanguageModel model, int vocab) throws IOException {
    Path file = weights();
    if (!Files.exists(file)) {
      throw new CheckpointException(directory.path() + " has no checkpoint yet");
    }
    try (Safetensors checkpoint = Safetensors.open(file)) {
      checkpoint.verify();
      CheckpointTensors.loadWeights(checkpoint, model.parameters(), vocab);
    }
    return file;
  }

  /**
   * The number of parameters, counted in the best weights.
   *
   * @return empty before the first weights are saved
   * @throws IOException with one line, if they are damaged
   */
  public OptionalLong parameterCount() throws IOException {
    if (!Files.exists(directory.best())) {
      return OptionalLong.empty();
    }
    try (Safetensors best = Safetensors.open(directory.best())) {
      return OptionalLong.of(best.dataBytes() / DType.F32.bytes());
    }
  }

  /**
   * The run that this one took its initial weights from.
   *
   * @throws IOException with one line, if the file that records it is damaged
   */
  public Optional<Parent> parent() throws IOException {
    return Parent.read(directory.parent());
  }

  @Override
  public Parent asParent() throws IOException {
    boolean best = hasBest();
    Progress progress = progress(best);
    return new Parent(
        directory.path().toAbsolutePath().normalize().toString(),
        progress.step(),
        best ? Float.valueOf(progress.bestValidationLoss()) : null);
  }

  /** Whether there are best weights. */
  boolean hasBest() {
    return Files.exists(directory.best());
  }

  /**
   * The progress of the last or the best checkpoint.
   *
   * @throws IOException with one line, if it is damaged or there is no best one
   */
  Progress progress(boolean ofBest) throws IOException {
    Path file = ofBest ? directory.best() : directory.last();
    if (!Files.exists(file)) {
      if (ofBest) {
        throw new CheckpointException(directory.path() + " has no best checkpoint yet");
      }
      return Progress.START;
    }
    try (Safetensors checkpoint = Safetensors.open(file)) {
      return Progress.parse(checkpoint.metadata(), file);
    }
  }

  /** Restores the last checkpoint, if there is one, and opens the logs at its step. */
  Progress restore(LanguageModel model, Optimizer optimizer) throws IOException {
    Progress progress = Progress.START;
    if (Files.exists(directory.last())) {
      try (Safetensors checkpoint = Safetensors.open(directory.last())) {
        checkpoint.verify();
        progress = Progress.parse(checkpoint.metadata(), directory.last());
        CheckpointTensors.loadWeights(checkpoint, model.parameters(), model.vocab());
        optimizer.resumeAt(progress.step());
        CheckpointTensors.loadStates(checkpoint, optimizer, model.backend());
      }
    }
    log = MetricsLog.continueAt(directory.metrics(), progress.step(), warnings::add);
    samples = SampleLog.continueAt(directory.samples(), progress.step(), warnings::add);
    return progress;
  }

  /** Damage that was found and skipped when the run was opened to resume; one line each. */
  public List<String> warnings() {
    return List.copyOf(warnings);
  }

  void append(Metrics metrics) throws IOException {
    log.append(metrics);
  }

  void append(Sample sample) throws IOException {
    samples.append(sample);
  }

  /** The metrics of the last logged step; null if there is none. */
  Metrics lastMetrics() {
    return log.last();
  }

  /** The number of evaluations since the one with the lowest loss. */
  int evaluationsWithoutGain() throws IOException {
    float best = Float.POSITIVE_INFINITY;
    int without = 0;
    for (Metrics line : MetricsLog.read(directory.metrics(), warnings::add)) {
      if (line.validationLoss() != null) {
        without = line.validationLoss() < best ? 0 : without + 1;
        best = Math.min(best, line.validationLoss());
      }
    }
    return without;
  }

  /** Replaces the last line, which is of the same step, with {@code metrics}. */
  void replaceLast(Metrics metrics) throws IOException {
    log.close();
    log = MetricsLog.continueAt(directory.metrics(), metrics.step() - 1, warnings::add);
    log.append(metrics);
  }

  /** The step of the last stored sample; 0 if there is none. */
  int lastSampleStep() {
    return samples.lastStep();
  }

  /** Replaces the checkpoint that the run resumes from. */
  void saveLast(LanguageModel model, Optimizer optimizer, Progress progress) throws IOException {
    List<Item> items = new ArrayList<>(CheckpointTensors.weights(model.parameters()));
    items.addAll(CheckpointTensors.states(optimizer, model.backend()));
    SafetensorsWriter.write(directory.last(), items, metadata(progress));
  }

  /** Replaces the best weights. */
  void saveBest(LanguageModel model, Progress progress) throws IOException {
    List<Item> items = CheckpointTensors.weights(model.parameters());
    SafetensorsWriter.write(directory.best(), items, metadata(progress));
  }

  private Map<String, String> metadata(Progress progress) {
    Map<String, String> metadata = new HashMap<>(progress.toMetadata());
    metadata.putAll(origin.toMetadata());
    return metadata;
  }

  void writeSample(String text) throws IOException {
    AtomicFile.write(directory.sample(), text);
  }

  @Override
  public void close() throws IOException {
    try (directory) {
      if (log != null) {
        log.close();
      }
      if (samples != null) {
        samples.close();
      }
    }
  }
}
