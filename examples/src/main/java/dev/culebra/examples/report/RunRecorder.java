package dev.culebra.examples.report;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.Sample;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainListener;
import dev.culebra.train.TrainingRun;
import java.io.IOException;

/**
 * Keeps the record of a run in this process up to date without rereading its files. The training
 * thread passes events to it; any thread may read the record without blocking.
 */
public final class RunRecorder implements TrainListener {
  private final RunRecord start;
  private final AppendedList<Metrics> metrics;
  private final AppendedList<Sample> samples;
  private volatile TrainConfig config;
  private volatile boolean training = true;

  /** Starts with the record of a run. */
  public RunRecorder(RunRecord start) {
    this.start = start;
    config = start.config();
    metrics = new AppendedList<>(start.metrics());
    samples = new AppendedList<>(start.samples());
  }

  /**
   * Starts with the content of a run's directory, which is not empty if the run is resumed.
   *
   * @throws IOException with one line, if it cannot be read
   */
  public static RunRecorder of(TrainingRun run) throws IOException {
    return new RunRecorder(RunRecord.of(run));
  }

  @Override
  public void onMetrics(Metrics line) {
    Metrics last = metrics.last();
    if (last != null && last.step() == line.step()) {
      metrics.replaceLast(line); // the step was evaluated later
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

  /** The run has ended; {@code now} is its final configuration, which says when. */
  public void end(TrainConfig now) {
    config = now;
    training = false;
  }

  /** The current record. */
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
