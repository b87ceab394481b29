package dev.culebra.examples.cli;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.checkpoint.RunDirectory;
import dev.culebra.examples.report.Dashboard;
import dev.culebra.examples.report.ReportWriter;
import dev.culebra.examples.report.RunData;
import dev.culebra.examples.report.RunRecorder;
import dev.culebra.train.Progress;
import dev.culebra.train.TrainListener;
import dev.culebra.train.TrainingRun;
import java.io.IOException;
import java.nio.file.Path;

/** All views of a running run: the terminal, the report, and the dashboard if requested. */
final class TrainView implements TrainListener, AutoCloseable {
  private final TrainDisplay display = new TrainDisplay();
  private final Dashboard dashboard;
  private TrainListener listeners = TrainListener.NONE;
  private TrainingRun run;
  private RunRecorder recorder;
  private ReportWriter report;

  /** With a dashboard, which this object then owns, or null. */
  TrainView(Dashboard dashboard) {
    this.dashboard = dashboard;
  }

  /**
   * Prints what will be trained, and records the machine.
   *
   * @throws IOException if a file of the run cannot be written or read
   */
  void begin(TrainingRun run) throws IOException {
    this.run = run;
    RunDirectory directory = run.files().directory();
    RunMachine.of(run.model().backend()).write(directory.machine());
    RunData.of(run.data()).write(directory.data());
    display.begin(run);
    recorder = RunRecorder.of(run);
    report =
        new ReportWriter(
            directory.report(),
            recorder::record,
            e -> display.say("no report: " + Errors.describe(e) + "; training continues"));
    if (dashboard == null) {
      listeners = TrainListener.all(recorder, display, report);
    } else {
      listeners = TrainListener.all(recorder, display, report, dashboard);
      dashboard.begin(recorder);
      say("dashboard: " + dashboard.url());
    }
  }

  @Override
  public void onStep(int step) {
    listeners.onStep(step);
  }

  @Override
  public void onMetrics(Metrics metrics) {
    listeners.onMetrics(metrics);
  }

  @Override
  public void onSample(int step, String text) {
    listeners.onSample(step, text);
  }

  @Override
  public void onCheckpoint(int step, Path file, boolean best) {
    listeners.onCheckpoint(step, file, best);
  }

  /** Prints a line on standard error; from any thread. */
  void say(String line) {
    display.say(line);
  }

  /** Shows a run with nothing left to do. */
  void hasFinishedBefore(TrainingRun run) throws IOException {
    display.hasFinishedBefore(run);
  }

  /** Shows a run that reached its end. */
  void finished(TrainingRun run, Progress progress) throws IOException {
    close();
    display.finished(run, progress, recorder.record().tokensPerSecond());
  }

  /** Shows a run that was stopped before its end. */
  void stopped(TrainingRun run, Progress progress) {
    close();
    display.stopped(run, progress);
  }

  /** Shows that training is over, for whatever reason. Closing twice is harmless. */
  @Override
  public void close() {
    display.end();
    if (report != null) {
      recorder.end(run.config());
      report.write();
      report = null;
    }
    if (dashboard != null) {
      dashboard.close();
    }
  }
}
