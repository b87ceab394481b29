package dev.culebra.train;

import dev.culebra.checkpoint.CheckpointException;

/**
 * The data is not what a run was trained on. {@link TrainingRun.Resumption#dataChanged} accepts
 * other data.
 */
public final class DataChangedException extends CheckpointException {
  private static final long serialVersionUID = 1L;

  DataChangedException(String message) {
    super(message);
  }
}
