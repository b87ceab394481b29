package dev.culebra.train;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.Sample;
import dev.culebra.data.Batch;
import dev.culebra.data.Batches;
import dev.culebra.data.Dataset;
import dev.culebra.data.Showcase;
import dev.culebra.data.Split;
import dev.culebra.io.Owned;
import dev.culebra.nn.LanguageModel;
import dev.culebra.optim.LearningRate;
import dev.culebra.optim.Optimizer;
import dev.culebra.options.Wording;
import dev.culebra.train.TrainingStoppedException.Kept;
import java.io.IOException;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;

/**
 * Trains a model: the loop of batches, forward, backward, optimizer, evaluation and checkpoint.
 * Step s draws its batches and dropout masks from (seed, s) only, so a resumed run repeats the
 * uninterrupted one to the bit. Runs on one thread; {@link #requestStop} may be called from any.
 */
public final class Trainer implements AutoCloseable {
  private final Owned owned = new Owned();
  private final TrainConfig config;
  private final TrainingConfig training;
  private final LanguageModel model;
  private final Optimizer optimizer;
  private final LearningRate learningRate;
  private final SampledLoss sampledLoss;
  private final MicroSteps microSteps;
  private final RunFiles files;
  private final TrainListener listener;
  private final Stopwatch stopwatch;
  private final Showcase showcase;
  private final double flopsOfAToken;
  private final OptionalDouble peakTflops;
  private Progress progress;
  private int end;
  private int evaluationsWithoutGain;
  private float rate;
  private int loggedStep;
  private double loggedSeconds;
  private int savedStep;
  private volatile boolean stopRequested;

  /**
   * Prepares a run, from its last checkpoint if it has one. It ignores the parts of the
   * configuration that describe a {@link dev.culebra.nn.Gpt}, name data, tokenizer or optimizer, or
   * choose a device, since model, data and optimizer are given here. The caller owns them and the
   * files.
   *
   * @param model with its initial weights, planned for the configured batch and context
   * @param optimizer of the model's parameters, with no steps taken
   * @throws IOException if the checkpoint cannot be read or does not fit
   * @throws dev.culebra.data.DataException if the data does not suit the context
   */
  public Trainer(
      LanguageModel model,
      Optimizer optimizer,
      Dataset data,
      TrainConfig config,
      RunFiles files,
      TrainListener listener)
      throws IOException {
    data.requireContext(config.model().context());
    this.config = config;
    training = config.training();
    this.model = model;
    this.optimizer = optimizer;
    this.files = files;
    this.listener = listener;
    learningRate = training.learningRate();
    flopsOfAToken = model.flopsOfAToken();
    peakTflops = model.backend().peakTflops();
    model.train();
    try {
      Batch batch = owned.add(new Batch(training.batch(), config.model().context()));
      sampledLoss = new SampledLoss(model, data.batches(Split.VALIDATION, training.seed()), batch);
      showcase =
          data.showcase(
              owned.add(
                  new ModelLearner(
                      model, training.batch(), config.model().context(), training.seed())));
      Batches batches = data.batches(Split.TRAIN, training.seed());
      microSteps =
          owned.add(new MicroSteps(model, batches, batch, training.gradAccum(), training.seed()));
      progress = files.restore(model, optimizer);
    } catch (Throwable e) { // even an Error must leave nothing open
      owned.closeAfter(e);
      throw e;
    }
    end = training.steps();
    if (training.patience() > 0) {
      int without = files.evaluationsWithoutGain();
      // A run that ended by patience and is resumed starts counting again.
      evaluationsWithoutGain = without < training.patience() ? without : 0;
    }
    savedStep = progress.step();
    loggedStep = progress.step();
    loggedSeconds = progress.seconds();
    stopwatch = new Stopwatch(progress.seconds());
  }

  /**
   * Trains until the end of the run or a requested stop, and saves in both cases. The run ends when
   * the configured steps, minutes or patience are used up, whichever comes first.
   *
   * @return the progress of the run
   * @throws TrainingStoppedException if the loss is NaN or infinite
   * @throws IOException if a file cannot be written; the last checkpoint is unchanged
   */
  public Progress run() throws IOException {
    makeUpForWhatWasInterrupted();
    while (!isAtEnd() && !stopRequested) {
      stopwatch.start();
      if (!step(progress.step())) {
        stopwatch.pause();
        break;
      }
      progress = progress.next();
      if (training.timeGone(stopwatch.secondsNow()) == 1) {
        end = progress.step();
      }
      boolean evaluate = evaluationIsDue();
      boolean sample = sampleIsDue();
      boolean save = isAtEnd() || due(config.reports().saveEvery());
      if (evaluate || due(config.reports().logEvery())) {
        log(evaluate);
        save |= isAtEnd(); // by patience
      } else {
        if (sample || save) {
          model.readLossBlocking(); // waits for the device: this time still counts as training
        }
        stopwatch.pause();
      }
      listener.onStep(progress.step());
      if (save) {
        save();
      }
      if (sample && !stopRequested) {
        sample(); // after the checkpoint: if this fails, nothing is lost
      }
    }
    if (savedStep < progress.step()) {
      save();
    }
    return progress;
  }

  /**
   * One optimizer step. Never waits for the device or allocates its memory.
   *
   * @return false if a stop was requested before the last micro-step; the step is then not taken
   */
  private boolean step(int step) {
    model.zeroGradients();
    if (!microSteps.run(step, this::stopRequested)) {
      return false;
    }
    rate = learningRate.at(step - training.decayFrom(), training.timeGone(stopwatch.secondsNow()));
    optimizer.step(rate);
    return true;
  }

  private boolean due(int every) {
    return every > 0 && progress.step() % every == 0;
  }

  /** A run that was stopped during an evaluation or a sample repeats it when it resumes. */
  private void makeUpForWhatWasInterrupted() throws IOException {
    Metrics last = files.lastMetrics();
    boolean unevaluated =
        last != null && last.step() == progress.step() && last.validationLoss() == null;
    if (unevaluated && evaluationIsDue()) {
      Float validation = validationLoss(config.reports().evalBatches(), this::stopRequested);
      if (validation == null) {
        return;
      }
      Metrics evaluated = last.withValidationLoss(validation);
      files.replaceLast(evaluated);
      listener.onMetrics(evaluated);
      keepIfBest(validation);
      save();
    }
    if (sampleIsDue() && progress.step() > files.lastSampleStep()) {
      sample();
    }
  }

  private boolean evaluationIsDue() {
    return progress.step() > 0 && (isAtEnd() || due(config.reports().evalEvery()));
  }

  private boolean sampleIsDue() {
    return progress.step() > 0 && !isAtEnd() && due(config.reports().sampleEvery());
  }

  /** Reads the loss, which waits for the device, and writes a line of metrics. */
  private void log(boolean evaluate) throws IOException {
    float loss = model.readLossBlocking();
    float norm = optimizer.readGradientNormBlocking();
    stopwatch.pause();
    int step = progress.step();
    requireFinite("the loss", loss);
    requireFinite("the gradient's norm", norm);
    Float validation =
        evaluate ? validationLoss(config.reports().evalBatches(), this::stopRequested) : null;
    double seconds = stopwatch.seconds();
    double speed =
        config.tokensPerStep() * (step - loggedStep) / Math.max(1e-9, seconds - loggedSeconds);
    loggedStep = step;
    loggedSeconds = seconds;
    Double tflops = peakTflops.isPresent() ? 1e-12 * speed * flopsOfAToken : null;
    double peak = peakTflops.orElse(0);
    Double mfu = peak > 0 ? tflops / peak : null;
    Metrics metrics = new Metrics(step, loss, validation, rate, norm, speed, seconds, tflops, mfu);
    files.append(metrics);
    listener.onMetrics(metrics);
    progress = progress.at(seconds);
    if (validation != null) {
      keepIfBest(validation);
    }
  }

  private void keepIfBest(float validation) throws IOException {
    evaluationsWithoutGain =
        validation < progress.bestValidationLoss() ? 0 : evaluationsWithoutGain + 1;
    if (training.patience() > 0 && evaluationsWithoutGain >= training.patience()) {
      end = progress.step();
    }
    if (validation < progress.bestValidationLoss()) {
      progress = progress.withBest(validation);
      files.saveBest(model, progress);
      listener.onCheckpoint(progress.step(), files.directory().best(), true);
    }
  }

  /** Null if {@code abandon} returned true. */
  private Float validationLoss(int batches, BooleanSupplier abandon) {
    Float loss = sampledLoss.of(batches, abandon);
    if (loss != null) {
      requireFinite("the validation loss", loss);
    }
    return loss;
  }

  /**
   * Replaces the last checkpoint, unless the weights are not finite. The step that spoiled them
   * still had a finite loss, since the loss was read before the weights changed; so the loss is
   * computed again.
   */
  private void save() throws IOException {
    validationLoss(1, () -> false);
    progress = progress.at(stopwatch.seconds());
    files.saveLast(model, optimizer, progress);
    savedStep = progress.step();
    listener.onCheckpoint(savedStep, files.directory().last(), false);
  }

  private void requireFinite(String what, float value) {
    if (!Float.isFinite(value)) {
      boolean clipped = training.clip() > 0 && training.clip() <= 1;
      boolean any = savedStep > 0;
      throw new TrainingStoppedException(
          new Wording(
              "%s is %s at step %d: training stopped, %s; try a lower %s%s",
              what,
              value,
              progress.step(),
              any
                  ? "the checkpoint of step " + savedStep + " is kept"
                  : "no checkpoint was written yet",
              TrainingConfig.LR,
              clipped ? "" : new Wording(" or a %s of 1", TrainingConfig.CLIP)),
          !any ? Kept.NOTHING : files.hasBest() ? Kept.BEST : Kept.LAST);
    }
  }

  /** Whether the run has ended. */
  public boolean isAtEnd() {
    return progress.step() >= end;
  }

  /** The progress of the run. */
  public Progress progress() {
    return progress;
  }

  /**
   * Writes a text that shows what the model can do now, stores it with the run and calls the
   * listener.
   *
   * @return null if a stop was requested meanwhile
   * @throws IOException with one line, if it cannot be stored
   */
  public String sample() throws IOException {
    String text = showcase.write(this::stopRequested);
    if (text == null) {
      return null;
    }
    files.append(new Sample(progress.step(), text));
    listener.onSample(progress.step(), text);
    return text;
  }

  /** Asks {@link #run} to save and return after the current step. */
  public void requestStop() {
    stopRequested = true;
  }

  /** Whether a stop was requested. */
  public boolean stopRequested() {
    return stopRequested;
  }

  @Override
  public void close() {
    owned.close();
  }
}
