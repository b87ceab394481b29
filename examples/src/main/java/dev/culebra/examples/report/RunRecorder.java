package dev.culebra.examples.report;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.Sample;
import dev.culebra.train.TrainConfig;
import dev.culebra.train.TrainListener;
import dev.culebra.train.TrainingRun;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The record of a run that goes on in this process, without reading its files again at every step.
 * Thread-safe.
 */
public final class RunRecorder implements TrainListener {
  private final RunRecord start;
  private final List<Metrics> metrics;
  private final List<Sample> samples;
  private TrainConfig config;
  private boolean training = true;

  /** Begins where a run stands. */
  public RunRecorder(RunRecord start) {
    this.start = start;
    config = start.config();
    metrics = new ArrayList<>(start.metrics());
    samples = new ArrayList<>(start.samples());
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
  public synchronized void onMetrics(Metrics line) {
    if (!metrics.isEmpty() && metrics.getLast().step() == line.step()) {
      metrics.removeLast(); // it was evaluated later
    }
    metrics.add(line);
  }

  @Override
  public synchronized void onSample(int step, String text) {
    if (samples.isEmpty() || samples.getLast().step() < step) {
      samples.add(new Sample(step, text));
    }
  }

  /** The run trains no more; {@code now} is its configuration, which says when it ended. */
  public synchronized void end(TrainConfig now) {
    config = now;
    training = false;
  }

  /** As it stands now. */
  public synchronized RunRecord record() {
    return new RunRecord(
        start.name(), training, config, start.parameters(), metrics, samples, start.machine());
  }
}
