package dev.culebra.train;

import dev.culebra.checkpoint.CheckpointException;
import java.nio.file.Path;
import java.util.Map;

/**
 * The progress of a run: what a checkpoint records besides weights and moments.
 *
 * @param step optimizer steps taken
 * @param bestValidationLoss the lowest so far; infinite before the first evaluation
 * @param seconds spent training, without evaluations and files
 */
public record Progress(int step, float bestValidationLoss, double seconds) {
  /** The start of a run. */
  public static final Progress START = new Progress(0, Float.POSITIVE_INFINITY, 0);

  private static final String STEP = "culebra.step";
  private static final String BEST = "culebra.best_val_loss";
  private static final String SECONDS = "culebra.elapsed_s";

  /**
   * @throws IllegalArgumentException if a number is below 0
   */
  public Progress {
    if (step < 0 || seconds < 0) {
      throw new IllegalArgumentException("progress must not be negative: " + step + ", " + seconds);
    }
  }

  /** As strings for the header of a checkpoint. */
  Map<String, String> toMetadata() {
    return Map.of(
        STEP, Integer.toString(step),
        BEST, Float.toString(bestValidationLoss),
        SECONDS, Double.toString(seconds));
  }

  /** Reads what {@link #toMetadata} wrote to {@code file}. */
  static Progress parse(Map<String, String> metadata, Path file) throws CheckpointException {
    try {
      return new Progress(
          Integer.parseInt(metadata.getOrDefault(STEP, "")),
          Float.parseFloat(metadata.getOrDefault(BEST, "")),
          Double.parseDouble(metadata.getOrDefault(SECONDS, "")));
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(
          file + " is not a checkpoint of a training run: its header does not record any progress");
    }
  }

  Progress next() {
    return new Progress(step + 1, bestValidationLoss, seconds);
  }

  Progress at(double seconds) {
    return new Progress(step, bestValidationLoss, seconds);
  }

  Progress withBest(float validationLoss) {
    return new Progress(step, validationLoss, seconds);
  }
}
