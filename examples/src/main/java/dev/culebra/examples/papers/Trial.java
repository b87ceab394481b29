package dev.culebra.examples.papers;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.examples.arithmetic.Exercises;
import dev.culebra.options.Options;
import dev.culebra.train.ReportConfig;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainListener;
import dev.culebra.train.Trainer;
import dev.culebra.train.TrainingRun;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Trains a model in a temporary directory and reports the results. */
final class Trial implements TrainListener {
  private final Options options;
  private volatile Trainer trainer;
  private volatile boolean stopRequested;
  private Metrics last;
  private long parameters;

  /** A run with {@code options}, which must include its steps. */
  Trial(Options options) {
    this.options = options.with(ReportConfig.SAVE_EVERY, 0).with(ReportConfig.SAMPLE_EVERY, 0);
  }

  /** Trains to the end. */
  void run() throws IOException {
    Path directory = Files.createTempDirectory("culebra-paper-");
    try {
      TrainConfig config = TrainConfig.of(options);
      try (TrainingRun run =
          TrainingRun.start(
              config,
              Exercises.corpora(),
              () -> RunDirectory.create(directory.resolve("run")),
              this)) {
        parameters = run.model().parameters().count();
        trainer = run.trainer();
        if (!stopRequested) {
          trainer.run();
        }
      }
    } finally {
      delete(directory);
    }
  }

  /** Ends {@link #run} after the current step; callable from any thread. */
  void requestStop() {
    stopRequested = true;
    Trainer training = trainer;
    if (training != null) {
      training.requestStop();
    }
  }

  private static void delete(Path directory) throws IOException {
    List<Path> files;
    try (Stream<Path> found = Files.walk(directory)) {
      files = found.sorted(Comparator.reverseOrder()).toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    for (Path file : files) {
      Files.delete(file);
    }
  }

  @Override
  public void onMetrics(Metrics metrics) {
    last = metrics;
  }

  /** Validation loss after the last step, in nats per token. */
  float validationLoss() {
    return last.validationLoss();
  }

  /** Milliseconds per step between the last two logged steps. */
  double tokensPerSecond() {
    return last.tokensPerSecond();
  }

  /** Number of parameters. */
  long parameters() {
    return parameters;
  }
}
