package dev.culebra.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * {@code metrics.jsonl}: one JSON object a logged step, written through at once. A process killed
 * while it writes leaves half a line at the end; resuming drops that and what came after the
 * checkpoint. Not thread-safe.
 */
public final class MetricsLog extends LineLog<Metrics> {
  private MetricsLog(Path file, int step, Consumer<String> damaged) throws IOException {
    super(file, step, MetricsJson.FORMAT, damaged);
  }

  /**
   * Continues the log of a run that stands at {@code step}: lines of later steps are dropped, and
   * damaged ones.
   *
   * @param damaged hears of each of these, in one line
   * @throws IOException one line that names the file
   */
  public static MetricsLog continueAt(Path file, int step, Consumer<String> damaged)
      throws IOException {
    return new MetricsLog(file, step, damaged);
  }

  /**
   * All whole lines; a last one that was cut off by a crash is left out, as are damaged ones.
   *
   * @param damaged hears of each line before the last that is not one of metrics, with its number
   * @throws IOException if the file cannot be read
   */
  public static List<Metrics> read(Path file, Consumer<String> damaged) throws IOException {
    return read(file, MetricsJson.FORMAT, damaged);
  }
}
