package dev.culebra.examples.papers;

import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainOptions;
import java.io.IOException;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Each {@link Paper} against the baseline, with as many steps and in as much time. The time of a
 * step is measured first, all papers in turn and that several times, so that a busy moment of the
 * machine is nobody's; its median says how many steps of each fit into the baseline's time. The
 * losses do not depend on the machine.
 */
public final class PaperTable {
  /** Steps of one measurement of the time; the second half counts. */
  private static final int TIMED_STEPS = 80;

  /** The first round, in which code is still compiled, does not count. */
  private static final int WARM_ROUNDS = 1;

  private final TrainOptions base;
  private final int rounds;
  private final List<Long> seeds;
  private final Consumer<String> progress;
  private final Map<Paper, Row> rows = new EnumMap<>(Paper.class);

  /**
   * What became of a paper.
   *
   * @param parameters trained numbers
   * @param milliseconds of a step
   * @param lossAtSteps validation loss after the baseline's number of steps, mean over the seeds
   * @param steps that fit into the baseline's time
   * @param lossInTime validation loss after those
   */
  public record Row(
      long parameters, double milliseconds, double lossAtSteps, int steps, double lossInTime) {}

  /**
   * @param base what all papers have in common; a run's length is its steps
   * @param rounds of measuring the time, at least 1
   * @param seeds whose losses are averaged
   * @param progress hears a line now and then
   */
  public PaperTable(TrainOptions base, int rounds, List<Long> seeds, Consumer<String> progress) {
    this.base = base;
    this.rounds = rounds;
    this.seeds = seeds;
    this.progress = progress;
  }

  /** Trains everything. */
  public Map<Paper, Row> measure(List<Paper> papers) throws IOException {
    Map<Paper, Double> times = times(papers);
    int steps = base.config().steps();
    double baseline = times.get(Paper.BASELINE);
    for (Paper paper : papers) {
      int inTime = Math.max(1, (int) Math.round(steps * baseline / times.get(paper)));
      long parameters = 0;
      double atSteps = 0;
      double inTimeLoss = 0;
      for (long seed : seeds) {
        Trial equalSteps = trial(paper, steps, seed);
        parameters = equalSteps.parameters();
        atSteps += equalSteps.validationLoss() / seeds.size();
        boolean same = inTime == steps;
        float loss = (same ? equalSteps : trial(paper, inTime, seed)).validationLoss();
        inTimeLoss += loss / (double) seeds.size();
      }
      Row row = new Row(parameters, times.get(paper), atSteps, inTime, inTimeLoss);
      rows.put(paper, row);
      progress.accept(
          String.format(
              Locale.ROOT,
              "%s: %.4f after %d steps, %.4f after %d",
              paper.title(),
              atSteps,
              steps,
              inTimeLoss,
              inTime));
    }
    return rows;
  }

  private Trial trial(Paper paper, int steps, long seed) throws IOException {
    return new Trial(
            base.with(paper.options())
                .steps(steps)
                .seed(seed)
                .evalEvery(0)
                .saveEvery(0)
                .sampleEvery(0))
        .run();
  }

  /** Milliseconds of a step. */
  private Map<Paper, Double> times(List<Paper> papers) throws IOException {
    Map<Paper, double[]> samples = new EnumMap<>(Paper.class);
    papers.forEach(paper -> samples.put(paper, new double[rounds]));
    for (int round = -WARM_ROUNDS; round < rounds; round++) {
      progress.accept("timing steps: round %d of %d".formatted(round + 1, rounds));
      for (Paper paper : papers) {
        TrainOptions options = base.with(paper.options());
        TrainConfig config = options.config();
        Trial trial =
            new Trial(
                    options
                        .steps(TIMED_STEPS)
                        .logEvery(TIMED_STEPS / 2)
                        .evalEvery(0)
                        .evalBatches(1)
                        .saveEvery(0)
                        .sampleEvery(0))
                .run();
        if (round >= 0) {
          samples.get(paper)[round] = 1000 * config.tokensPerStep() / trial.tokensPerSecond();
        }
      }
    }
    Map<Paper, Double> medians = new EnumMap<>(Paper.class);
    samples.forEach((paper, times) -> medians.put(paper, median(times)));
    return medians;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  /** The rows as Markdown. */
  public static String markdown(Map<Paper, Row> rows, int steps) {
    StringBuilder table = new StringBuilder();
    table.append(
        String.format(
            Locale.ROOT,
            "| | options | parameters | ms a step | loss after %,d steps | steps in equal time |"
                + " loss in equal time |%n",
            steps));
    table.append("| --- | --- | ---: | ---: | ---: | ---: | ---: |\n");
    rows.forEach(
        (paper, row) ->
            table.append(
                String.format(
                    Locale.ROOT,
                    "| %s | %s | %,d | %.1f | %.3f | %,d | %.3f |%n",
                    paper.title(),
                    paper.flags().isEmpty() ? "" : "`" + paper.flags() + "`",
                    row.parameters(),
                    row.milliseconds(),
                    row.lossAtSteps(),
                    row.steps(),
                    row.lossInTime())));
    return table.toString();
  }
}
