package dev.culebra.examples.papers;

import dev.culebra.options.Options;
import dev.culebra.train.ReportConfig;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainingConfig;
import dev.culebra.train.TrainingStoppedException;
import java.io.IOException;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Compares each {@link Paper} with the baseline, at equal steps and in equal time, as a Markdown
 * table. The time of a step is measured first, in several rounds over all papers, so that a busy
 * moment of the machine does not distort one of them. The median gives the number of steps that fit
 * into the baseline's time. The losses do not depend on the machine.
 */
public final class PaperTable {
  /** Steps per time measurement; only the second half counts. */
  private static final int TIMED_STEPS = 80;

  /** A learning rate at which no run diverges: only the time counts. */
  private static final float HARMLESS = 1e-6f;

  /** The first round does not count: code is still being compiled. */
  private static final int WARM_ROUNDS = 1;

  private final Options base;
  private final int rounds;
  private final List<Long> seeds;
  private final Function<Options, String> words;
  private final Consumer<String> progress;
  private volatile boolean stopRequested;
  private volatile Trial running;

  /**
   * @param base the options shared by all papers, including the steps of a run
   * @param rounds of time measurements, at least 1
   * @param seeds of the runs whose losses are averaged
   * @param words puts options into words, such as flags
   * @param progress receives a line from time to time
   */
  public PaperTable(
      Options base,
      int rounds,
      List<Long> seeds,
      Function<Options, String> words,
      Consumer<String> progress) {
    this.base = base;
    this.rounds = rounds;
    this.seeds = seeds;
    this.words = words;
    this.progress = progress;
  }

  /** Thrown when a stop was requested. */
  private static final class Stopped extends RuntimeException {}

  /**
   * Trains all papers.
   *
   * @param papers including the baseline
   * @param lines receives the table line by line, each row as soon as it is known
   * @return false if a stop was requested before the last row
   */
  public boolean measure(List<Paper> papers, Consumer<String> lines) throws IOException {
    int steps = TrainConfig.of(base).training().steps();
    try {
      Map<Paper, Double> times = times(papers);
      lines.accept(header(steps));
      lines.accept("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
      for (Paper paper : papers) {
        double time = times.get(paper);
        lines.accept(row(paper, time, steps, stepsInTime(steps, times.get(Paper.BASELINE), time)));
      }
      return true;
    } catch (Stopped e) {
      return false;
    }
  }

  /** How many steps of length {@code time} fit into {@code steps} of length {@code baseline}. */
  static int stepsInTime(int steps, double baseline, double time) {
    return Math.max(1, (int) Math.round(steps * baseline / time));
  }

  private static String header(int steps) {
    return String.format(
        Locale.ROOT,
        "| | options | parameters | ms per step | loss after %,d steps | steps in equal time | loss"
            + " in equal time |",
        steps);
  }

  private String row(Paper paper, double time, int steps, int inTime) throws IOException {
    Mean atSteps = new Mean(paper, steps);
    Mean inEqualTime = inTime == steps ? atSteps : new Mean(paper, inTime);
    return String.format(
        Locale.ROOT,
        "| %s | %s | %,d | %.1f | %s | %,d | %s |",
        paper.title(),
        paper.options().isEmpty() ? "" : "`" + words.apply(paper.options()) + "`",
        atSteps.parameters,
        time,
        atSteps,
        inTime,
        inEqualTime);
  }

  /** The mean validation loss of a paper's runs. */
  private final class Mean {
    private long parameters;
    private double loss;

    Mean(Paper paper, int steps) throws IOException {
      progress.accept("%s: %,d steps".formatted(paper.title(), steps));
      Options options =
          base.with(paper.options())
              .with(TrainingConfig.STEPS, steps)
              .with(ReportConfig.EVAL_EVERY, 0);
      for (long seed : seeds) {
        Trial trial = new Trial(options.with(TrainingConfig.SEED, seed));
        try {
          run(trial);
          loss += trial.validationLoss() / seeds.size();
        } catch (TrainingStoppedException e) {
          progress.accept("%s, seed %d: %s".formatted(paper.title(), seed, e.getMessage()));
          loss = Double.NaN;
        }
        parameters = trial.parameters();
      }
    }

    @Override
    public String toString() {
      return Double.isNaN(loss) ? "–" : String.format(Locale.ROOT, "%.3f", loss);
    }
  }

  private void run(Trial trial) throws IOException {
    running = trial;
    if (stopRequested) {
      throw new Stopped();
    }
    trial.run();
    if (stopRequested) {
      throw new Stopped();
    }
  }

  /** Makes {@link #measure} end soon; callable from any thread. */
  public void requestStop() {
    stopRequested = true;
    Trial trial = running;
    if (trial != null) {
      trial.requestStop();
    }
  }

  /** Milliseconds per step. */
  private Map<Paper, Double> times(List<Paper> papers) throws IOException {
    Map<Paper, double[]> samples = new EnumMap<>(Paper.class);
    papers.forEach(paper -> samples.put(paper, new double[rounds]));
    for (int round = -WARM_ROUNDS; round < rounds; round++) {
      progress.accept(
          round < 0
              ? "timing steps: warming up"
              : "timing steps: round %d of %d".formatted(round + 1, rounds));
      for (Paper paper : papers) {
        double time = time(base.with(paper.options()));
        if (round >= 0) {
          samples.get(paper)[round] = time;
        }
      }
    }
    Map<Paper, Double> medians = new EnumMap<>(Paper.class);
    samples.forEach((paper, times) -> medians.put(paper, median(times)));
    return medians;
  }

  private double time(Options options) throws IOException {
    TrainConfig config = TrainConfig.of(options);
    Trial trial =
        new Trial(
            options
                .with(TrainingConfig.STEPS, TIMED_STEPS)
                .with(ReportConfig.LOG_EVERY, TIMED_STEPS / 2)
                .with(ReportConfig.EVAL_EVERY, 0)
                .with(ReportConfig.EVAL_BATCHES, 1)
                .with(TrainingConfig.LR, HARMLESS)
                .with(TrainingConfig.MIN_LR, 0f));
    run(trial);
    return 1000 * config.tokensPerStep() / trial.tokensPerSecond();
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }
}
