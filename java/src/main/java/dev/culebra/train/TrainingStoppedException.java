package dev.culebra.train;

/** A run cannot go on: its loss is not a number any more. The last good checkpoint is kept. */
public final class TrainingStoppedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TrainingStoppedException(String message) {
    super(message);
  }
}
