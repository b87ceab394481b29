package dev.culebra.examples.report;

import dev.culebra.checkpoint.Metrics;
import dev.culebra.io.AtomicFile;
import dev.culebra.train.TrainListener;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Writes a run's {@code report.html} during training: after evaluations, samples and checkpoints,
 * at the start and at the end. It takes at most a twentieth of the time, and if it fails, training
 * continues.
 */
public final class ReportWriter implements TrainListener {
  private static final Duration LEAST_PAUSE = Duration.ofSeconds(2);
  private static final int SHARE = 20;

  private final ReportPage page = new ReportPage();
  private final Path file;
  private final Supplier<RunRecord> record;
  private final Consumer<Exception> onFailure;
  private boolean due;
  private boolean failed;
  private long notBefore;

  /**
   * Writes the first report.
   *
   * @param record supplies the current state of the run
   * @param onFailure called once, the first time that the report cannot be written
   */
  public ReportWriter(Path file, Supplier<RunRecord> record, Consumer<Exception> onFailure) {
    this.file = file;
    this.record = record;
    this.onFailure = onFailure;
    write();
  }

  @Override
  public void onMetrics(Metrics metrics) {
    due |= metrics.validationLoss() != null;
  }

  @Override
  public void onSample(int step, String text) {
    due = true;
  }

  @Override
  public void onCheckpoint(int step, Path checkpoint, boolean best) {
    due = true;
  }

  /**
   * Evaluation, sample and checkpoint usually fall on one step; the next step writes once for all.
   */
  @Override
  public void onStep(int step) {
    if (due && System.nanoTime() - notBefore >= 0) {
      write();
    }
  }

  /**
   * Writes the report for the current state of the run.
   *
   * @return whether it succeeded
   */
  public boolean write() {
    long start = System.nanoTime();
    boolean written = tryToWrite();
    long end = System.nanoTime();
    notBefore = end + Math.max(LEAST_PAUSE.toNanos(), SHARE * (end - start));
    due = false;
    return written;
  }

  private boolean tryToWrite() {
    try {
      AtomicFile.write(file, page.of(List.of(record.get())));
      return true;
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      // a report must not end days of training
      if (!failed) {
        failed = true;
        onFailure.accept(
            e instanceof Exception failure
                ? failure
                : new IOException("not enough memory for " + file, e));
      }
      return false;
    }
  }
}
