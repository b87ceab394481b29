package dev.culebra.train;

import dev.culebra.checkpoint.Metrics;
import java.nio.file.Path;
import java.util.List;

/** What a program learns of a run while it goes; called on the training thread, between steps. */
public interface TrainListener {
  /** Hears nothing. */
  TrainListener NONE = new TrainListener() {};

  /** A step was taken; nothing is read from the device for this. */
  default void onStep(int step) {}

  /** A step was logged, after it was written to {@code metrics.jsonl}. */
  default void onMetrics(Metrics metrics) {}

  /** A piece of text the model wrote after {@code step} steps, on its way or at the end. */
  default void onSample(int step, String text) {}

  /** A checkpoint was written. */
  default void onCheckpoint(int step, Path file, boolean best) {}

  /** One that tells all of {@code listeners}, in their order. */
  static TrainListener all(TrainListener... listeners) {
    List<TrainListener> all = List.of(listeners);
    return new TrainListener() {
      @Override
      public void onStep(int step) {
        all.forEach(each -> each.onStep(step));
      }

      @Override
      public void onMetrics(Metrics metrics) {
        all.forEach(each -> each.onMetrics(metrics));
      }

      @Override
      public void onSample(int step, String text) {
        all.forEach(each -> each.onSample(step, text));
      }

      @Override
      public void onCheckpoint(int step, Path file, boolean best) {
        all.forEach(each -> each.onCheckpoint(step, file, best));
      }
    };
  }
}
