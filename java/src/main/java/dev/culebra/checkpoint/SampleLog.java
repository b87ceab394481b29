package dev.culebra.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * {@code samples.jsonl}: what the model wrote as it learned, one JSON object a sample, with the
 * rules of {@link MetricsLog}. A step has one sample: that of a run which had reached its end, and
 * is resumed and shows it again, is not kept twice. Not thread-safe.
 */
public final class SampleLog extends LineLog<Sample> {
  private SampleLog(Path file, int step, Consumer<String> damaged) throws IOException {
    super(file, step, SampleJson.FORMAT, damaged);
  }

  /** Continues the log of a run that stands at {@code step}, see {@link MetricsLog#continueAt}. */
  public static SampleLog continueAt(Path file, int step, Consumer<String> damaged)
      throws IOException {
    return new SampleLog(file, step, damaged);
  }

  /** All whole lines, see {@link MetricsLog#read}. */
  public static List<Sample> read(Path file, Consumer<String> damaged) throws IOException {
    return read(file, SampleJson.FORMAT, damaged);
  }

  @Override
  public void append(Sample sample) throws IOException {
    if (sample.step() > lastStep()) {
      super.append(sample);
    }
  }
}
