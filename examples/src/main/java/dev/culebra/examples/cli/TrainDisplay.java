package dev.culebra.examples.cli;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.data.Arithmetic;
import dev.culebra.data.Corpus;
import dev.culebra.data.Dataset;
import dev.culebra.data.PromptPairs;
import dev.culebra.train.Progress;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainListener;
import dev.culebra.train.TrainingRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * What a person sees of a run, on standard error but for the result: a progress bar on a terminal,
 * else a plain line a logged step.
 */
final class TrainDisplay implements TrainListener {
  private TrainConfig config;
  private StepBar bar;
  private String validation = "";

  /** Says what will be trained. */
  void begin(TrainingRun run) {
    config = run.config();
    int done = run.trainer().progress().step();
    System.err.println(run.data().describe());
    System.err.printf(
        Locale.ROOT,
        "GPT with %,d parameters (%d layers, %d heads, %d wide, context %d) on %s%n",
        run.model().parameters().count(),
        config.layers(),
        config.heads(),
        config.embd(),
        config.context(),
        run.model().backend().name());
    if (done > 0) {
      System.err.printf("continues after step %d%n", done);
    }
    if (Terminal.interactive()) {
      bar = new StepBar(done, config.steps(), config.tokensPerStep(), Terminal.colour());
    }
  }

  @Override
  public void onStep(int step) {
    if (bar != null) {
      bar.stepTo(step);
    }
  }

  @Override
  public void onMetrics(Metrics metrics) {
    if (metrics.validationLoss() != null) {
      validation = String.format(Locale.ROOT, "  val loss %.4f", metrics.validationLoss());
    }
    String numbers =
        String.format(
            Locale.ROOT,
            "loss %.4f%s  %,.0f tokens/s",
            metrics.loss(),
            validation,
            metrics.tokensPerSecond());
    if (bar != null) {
      bar.show(numbers, metrics);
    } else {
      int width = Integer.toString(config.steps()).length();
      System.err.printf("step %" + width + "d/%d  %s%n", metrics.step(), config.steps(), numbers);
      validation = "";
    }
  }

  /** But for the one at the end, which {@link #finished} shows. */
  @Override
  public void onSample(int step, String text) {
    if (step == config.steps()) {
      return;
    }
    if (bar != null) {
      bar.erase();
    }
    System.out.printf("%n--- after step %d ---%n%s%n", step, text);
  }

  /** Says something that the run goes on in spite of. */
  void warn(String line) {
    if (bar != null) {
      bar.erase();
    }
    System.err.println(line);
  }

  /** Takes the progress bar away. */
  void end() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  /** Says where an interrupted run can go on. */
  void stopped(TrainingRun run, Progress progress) {
    Path directory = run.files().directory().path();
    System.err.printf("stopped after step %d; checkpoint saved%n", progress.step());
    System.err.printf(
        "to continue: culebra train --resume --out %s%n", quoted(directory.toString()));
  }

  /** Shows a sample and what was written. */
  void finished(TrainingRun run, Progress progress) throws IOException {
    var directory = run.files().directory();
    System.err.printf(
        Locale.ROOT,
        "done: best validation loss %.4f, %.0f s of training%n%n",
        progress.bestValidationLoss(),
        progress.seconds());
    System.out.println(Files.readString(directory.sample()).strip());
    System.err.println();
    System.err.println("wrote");
    for (Path file :
        new Path[] {
          directory.config(),
          directory.tokenizer(),
          directory.machine(),
          directory.metrics(),
          directory.samples(),
          directory.last(),
          directory.best(),
          directory.sample(),
          directory.report()
        }) {
      if (Files.isRegularFile(file)) {
        System.err.println("  " + file);
      }
    }
    System.err.println(suggestion(run.data(), directory.path()));
  }

  private static String suggestion(Dataset data, Path directory) {
    String sample = "culebra sample --run " + quoted(directory.toString());
    return switch (data) {
      case Corpus corpus -> "more text: %s --prompt \"...\"".formatted(sample);
      case PromptPairs pairs ->
          "to ask: %s --prompt \"...\" --temperature 0 --line".formatted(sample);
      case Arithmetic arithmetic ->
          "to ask: %s --prompt \"%s\" --temperature 0"
              .formatted(sample, arithmetic.question(arithmetic.heldOut(1).getLast()));
    };
  }

  /** As a shell reads it. */
  static String quoted(String word) {
    return word.matches("[\\w./+-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
  }
}
