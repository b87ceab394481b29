package dev.culebra.examples.cli;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.data.Asking;
import dev.culebra.data.Conversations;
import dev.culebra.data.Dataset;
import dev.culebra.train.Parent;
import dev.culebra.train.Progress;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainListener;
import dev.culebra.train.TrainingConfig;
import dev.culebra.train.TrainingRun;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * The output of a run, on standard error except for the result: a progress bar on a terminal,
 * otherwise one line per logged step.
 */
final class TrainDisplay implements TrainListener {
  private TrainingRun run;
  private StepLine line;

  /** Null if standard error is not a terminal, and after the end. */
  private volatile StepBar bar;

  /** Prints what will be trained. */
  void begin(TrainingRun run) throws IOException {
    this.run = run;
    TrainConfig config = run.config();
    int done = run.trainer().progress().step();
    System.err.println(run.data().describe());
    System.err.printf(
        Locale.ROOT,
        "GPT with %,d parameters (%d layers, %d heads, %d wide, context %d) on %s%n",
        run.model().parameters().count(),
        config.model().layers(),
        config.model().heads(),
        config.model().embd(),
        config.model().context(),
        run.model().backend().name());
    TrainingConfig training = config.training();
    if (training.warmup() > training.steps() - training.decayFrom()) {
      System.err.printf(
          "--warmup %d is longer than the run: the learning rate never reaches --lr%n",
          training.warmup());
    }
    Parent parent = done == 0 ? run.files().parent().orElse(null) : null;
    if (parent != null) {
      System.err.printf(
          "begins with the weights of %s%s; learning rate %s%n",
          parent.run(),
          parent.details(),
          new BigDecimal(Float.toString(training.lr())).stripTrailingZeros().toPlainString());
    }
    if (done > 0) {
      System.err.printf("continues after step %d%n", done);
    }
    if (Terminal.interactive()) {
      line = new StepLine(run.trainer().progress(), config, Terminal.colour());
      bar = new StepBar(line);
    }
  }

  @Override
  public void onStep(int step) {
    if (line != null) {
      line.stepTo(step);
    }
  }

  @Override
  public void onMetrics(Metrics metrics) {
    if (line != null) {
      line.show(metrics);
      return;
    }
    String validation =
        metrics.validationLoss() == null
            ? ""
            : String.format(Locale.ROOT, "  val loss %.4f", metrics.validationLoss());
    System.err.printf(
        Locale.ROOT,
        "%s  loss %.4f%s  %,.0f tokens/s%s%n",
        StepLine.count(metrics.step(), run.config()),
        metrics.loss(),
        validation,
        metrics.tokensPerSecond(),
        utilisation(metrics));
  }

  /** On a GPU: MFU, or TFLOP/s if its peak is unknown. */
  static String utilisation(Metrics metrics) {
    if (metrics.mfu() != null) {
      return String.format(Locale.ROOT, "  MFU %.1f %%", 100 * metrics.mfu());
    }
    return metrics.tflops() == null
        ? ""
        : String.format(Locale.ROOT, "  %.1f TFLOP/s", metrics.tflops());
  }

  /** Prints all samples except the last, which {@link #finished} prints. */
  @Override
  public void onSample(int step, String text) {
    if (step < run.config().training().steps()) {
      above(
          () -> {
            System.out.printf("%n--- after step %d ---%n", step);
            WordWrap.ofOutput().print(text).finish();
          });
    }
  }

  /** Prints a line on standard error; from any thread. */
  void say(String line) {
    above(() -> System.err.println(line));
  }

  private void above(Runnable print) {
    StepBar shown = bar;
    if (shown == null) {
      print.run();
    } else {
      shown.above(print);
    }
  }

  /** Removes the progress bar. */
  void end() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  /** Says that there is nothing left to do, and how to train further. */
  void hasFinishedBefore(TrainingRun run) throws IOException {
    RunDirectory directory = run.files().directory();
    int steps = run.config().training().steps();
    System.err.printf(
        Locale.ROOT,
        "%s is finished, after %,d steps; to continue: culebra train --resume --out %s --steps"
            + " %d%n%n",
        directory.path(),
        steps,
        quoted(directory.path().toString()),
        2L * steps);
    WordWrap.ofOutput().print(Files.readString(directory.sample()).strip()).finish();
  }

  /** Says how to resume an interrupted run. */
  void stopped(TrainingRun run, Progress progress) {
    RunDirectory directory = run.files().directory();
    System.err.println(
        Files.exists(directory.last())
            ? "stopped after step %d; checkpoint saved".formatted(progress.step())
            : "stopped before the first step");
    System.err.printf(
        "to continue: culebra train --resume --out %s%n", quoted(directory.path().toString()));
  }

  /** Prints a sample and the files that were written. */
  void finished(TrainingRun run, Progress progress, OptionalDouble tokensPerSecond)
      throws IOException {
    var directory = run.files().directory();
    System.err.printf(
        Locale.ROOT,
        "done: best validation loss %.4f, %.0f s of training%s%n%n",
        progress.bestValidationLoss(),
        progress.seconds(),
        tokensPerSecond.isPresent()
            ? String.format(
                Locale.ROOT,
                ", %,.0f tokens/s (median of the logged steps)",
                tokensPerSecond.getAsDouble())
            : "");
    WordWrap.ofOutput().print(Files.readString(directory.sample()).strip()).finish();
    System.err.println();
    System.err.println("wrote");
    for (Path file :
        new Path[] {
          directory.config(),
          directory.tokenizer(),
          directory.tokenizerConfig(),
          directory.generationConfig(),
          directory.machine(),
          directory.parent(),
          directory.data(),
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
    if (data instanceof Conversations) {
      return "to talk: culebra chat --run " + quoted(directory.toString());
    }
    String sample = "culebra sample --run " + quoted(directory.toString());
    Asking asking = data.asking().orElse(null);
    if (asking == null) {
      return "more text: %s --prompt \"...\"".formatted(sample);
    }
    String example = asking.example().isEmpty() ? "..." : asking.example();
    return "to ask: %s --prompt \"%s\" --temperature 0%s"
        .formatted(sample, example, asking.answerTokens() == 0 ? " --line" : "");
  }

  /** Quoted for a shell. */
  static String quoted(String word) {
    return word.matches("[\\w./+-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
  }
}
