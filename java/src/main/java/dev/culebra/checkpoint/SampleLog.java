package dev.culebra.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * {@code samples.jsonl}: what the model wrote as it learned, one JSON object a sample, with the
 * rules of {@link MetricsLog}. Not thread-safe.
 */
public final class SampleLog implements AutoCloseable {
  private final LineLog<Sample> log;

  private SampleLog(LineLog<Sample> log) {
    this.log = log;
  }

  /**
   * Continues the log of a run that stands at {@code step}: samples of later steps are dropped.
   *
   * @throws IOException one line that names the file
   */
  public static SampleLog continueAt(Path file, int step) throws IOException {
    return new SampleLog(LineLog.continueAt(file, step, SampleJson.FORMAT));
  }

  /**
   * All whole lines; one that was cut off by a crash must be the last and is left out.
   *
   * @throws CheckpointException if another line is not a sample, with its number
   * @throws IOException if the file cannot be read
   */
  public static List<Sample> read(Path file) throws IOException {
    return LineLog.read(file, SampleJson.FORMAT);
  }

  /**
   * Appends a sample, unless there is one of its step: a run that had reached its end and is
   * resumed shows its last sample again.
   *
   * @throws IOException one line that names the file
   */
  public void append(Sample sample) throws IOException {
    if (sample.step() > log.lastStep()) {
      log.append(sample);
    }
  }

  @Override
  public void close() throws IOException {
    log.close();
  }
}
