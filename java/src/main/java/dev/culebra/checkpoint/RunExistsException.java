package dev.culebra.checkpoint;

import java.nio.file.Path;

/** The directory for a new run already has a run. */
public final class RunExistsException extends CheckpointException {
  private static final long serialVersionUID = 1L;

  RunExistsException(Path directory) {
    super(directory + " already has a run");
  }
}
