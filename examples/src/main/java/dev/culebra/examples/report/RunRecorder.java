package dev.culebra.examples.report;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.Sample;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainListener;
import dev.culebra.train.TrainingRun;
import java.io.IOException;

/**
 * The record of a run that goes on in this process, without reading its files again at every step.
 * One thread, that which trains, tells it what happens; any may ask, and keeps nobody waiting.
 */
public final class RunRecorder implements TrainListener {
  private final RunRecord start;
  private final AppendedList<Metrics> metrics;
  private final AppendedList<Sample> samples;
  private volatile TrainConfig config;
  private volatile boolean training = true;

  /** Begins where a run stands. */
  public RunRecorder(RunRecord start) {
    this.start = start;
    config = start.config();
    metrics = new AppendedList<>(start.metrics());
    samples = new AppendedList<>(start.samples());
  }

  /**
   * Begins with what a run's directory holds, which is more than nothing where it is resumed.
   *
   * @throws IOException if it cannot be read; one line
   */
  public static RunRecorder of(TrainingRun run) throws IOException {
    return new RunRecorder(RunRecord.of(run));
  }

  @Override
  public void onMetrics(Metrics line) {
    Metrics last = metrics.last();
    if (last != null && last.step() == line.step()) {
      metrics.replaceLast(line); // it was evaluated later
    } else {
      metrics.add(line);
    }
  }

  @Override
  public void onSample(int step, String text) {
    Sample last = samples.last();
    if (last == null || last.step() < step) {
      samples.add(new Sample(step, text));
    }
  }

  /** The run trains no more; {@code now} is its configuration, which says when it ended. */
  public void end(TrainConfig now) {
    config = now;
    training = false;
  }

  /** As it stands now. */
  public RunRecord record() {
    return new RunRecord(
        start.name(),
        training,
        config,
        start.parameters(),
        metrics.copy(),
        samples.copy(),
        start.data(),
        start.parent(),
        start.machine());
  }
}
