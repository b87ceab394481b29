package dev.culebra.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * {@code metrics.jsonl}: one JSON object a logged step, written through at once. A process killed
 * while it writes leaves half a line at the end; resuming drops that and what came after the
 * checkpoint. Not thread-safe.
 */
public final class MetricsLog extends LineLog<Metrics> {
  private MetricsLog(Path file, int step) throws IOException {
    super(file, step, MetricsJson.FORMAT);
  }

  /**
   * Continues the log of a run that stands at {@code step}: lines of later steps are dropped.
   *
   * @throws IOException one line that names the file
   */
  public static MetricsLog continueAt(Path file, int step) throws IOException {
    return new MetricsLog(file, step);
  }

  /**
   * All whole lines; one that was cut off by a crash must be the last and is left out.
   *
   * @throws CheckpointException if another line is not one of metrics, with its number
   * @throws IOException if the file cannot be read
   */
  public static List<Metrics> read(Path file) throws IOException {
    return read(file, MetricsJson.FORMAT);
  }
}
