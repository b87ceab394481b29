package dev.culebra.train;

import dev.culebra.checkpoint.Metrics;
import java.nio.file.Path;

/** What a program learns of a run while it goes; called on the training thread, between steps. */
public interface TrainListener {
  /** Hears nothing. */
  TrainListener NONE = new TrainListener() {};

  /** A step was taken; nothing is read from the device for this. */
  default void onStep(int step) {}

  /** A step was logged, after it was written to {@code metrics.jsonl}. */
  default void onMetrics(Metrics metrics) {}

  /** A piece of text the model wrote after {@code step} steps. */
  default void onSample(int step, String text) {}

  /** A checkpoint was written. */
  default void onCheckpoint(int step, Path file, boolean best) {}
}
