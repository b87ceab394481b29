package dev.culebra.train;

import dev.culebra.checkpoint.CheckpointException;

/**
 * The configuration or the tokenizer of a run has changed since its checkpoint was written. {@link
 * RunFiles#acceptChanges} allows the run to continue anyway.
 */
public final class RunChangedException extends CheckpointException {
  private static final long serialVersionUID = 1L;

  RunChangedException(String message) {
    super(message);
  }
}
