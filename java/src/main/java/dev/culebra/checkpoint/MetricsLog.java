package dev.culebra.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * {@code metrics.jsonl}: one JSON object per logged step, flushed immediately. A process killed
 * during a write leaves an incomplete last line; resuming drops it and all lines after the
 * checkpoint. Not thread-safe.
 */
public final class MetricsLog extends LineLog<Metrics> {
  private MetricsLog(Path file, int step, Consumer<String> damaged) throws IOException {
    super(file, step, MetricsJson.FORMAT, damaged);
  }

  /**
   * Continues the log of a run at {@code step}; drops lines of later steps and damaged lines.
   *
   * @param damaged receives one line for each damaged line
   * @throws IOException with one line that names the file
   */
  public static MetricsLog continueAt(Path file, int step, Consumer<String> damaged)
      throws IOException {
    return new MetricsLog(file, step, damaged);
  }

  /**
   * Reads all complete lines; skips damaged lines and a last line truncated by a crash.
   *
   * @param damaged receives one line, with the number, for each damaged line before the last
   * @throws IOException if the file cannot be read
   */
  public static List<Metrics> read(Path file, Consumer<String> damaged) throws IOException {
    return read(file, MetricsJson.FORMAT, damaged);
  }
}
