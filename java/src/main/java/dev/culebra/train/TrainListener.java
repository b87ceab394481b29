package dev.culebra.train;

import dev.culebra.checkpoint.Metrics;
import java.nio.file.Path;
import java.util.List;

/** Observes a run; called on the training thread, between steps. */
public interface TrainListener {
  /** Ignores everything. */
  TrainListener NONE = new TrainListener() {};

  /** A step was taken; nothing is read from the device for this call. */
  default void onStep(int step) {}

  /** A step was logged and written to {@code metrics.jsonl}. */
  default void onMetrics(Metrics metrics) {}

  /** A text that the model wrote after {@code step} steps, during the run or at its end. */
  default void onSample(int step, String text) {}

  /** A checkpoint was written. */
  default void onCheckpoint(int step, Path file, boolean best) {}

  /** A listener that calls all of {@code listeners}, in order. */
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
