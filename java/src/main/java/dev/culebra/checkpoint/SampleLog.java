package dev.culebra.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * {@code samples.jsonl}: what the model wrote during training, one JSON object per sample, with the
 * rules of {@link MetricsLog}. A step has one sample: if a finished run is resumed and samples
 * again, that sample is not stored twice. Not thread-safe.
 */
public final class SampleLog extends LineLog<Sample> {
  private SampleLog(Path file, int step, Consumer<String> damaged) throws IOException {
    super(file, step, SampleJson.FORMAT, damaged);
  }

  /** Continues the log of a run at {@code step}, see {@link MetricsLog#continueAt}. */
  public static SampleLog continueAt(Path file, int step, Consumer<String> damaged)
      throws IOException {
    return new SampleLog(file, step, damaged);
  }

  /** Reads all complete lines, see {@link MetricsLog#read}. */
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
