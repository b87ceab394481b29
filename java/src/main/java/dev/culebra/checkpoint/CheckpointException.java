package dev.culebra.checkpoint;

import java.io.IOException;

/** A file of a run is damaged or does not fit; the message is one line that names the file. */
public final class CheckpointException extends IOException {
  private static final long serialVersionUID = 1L;

  public CheckpointException(String message) {
    super(message);
  }

  CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }
}
