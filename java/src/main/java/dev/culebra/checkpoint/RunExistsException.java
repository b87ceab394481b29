package dev.culebra.checkpoint;

import java.nio.file.Path;

/** A directory that is to hold a new run holds one already. */
public final class RunExistsException extends CheckpointException {
  private static final long serialVersionUID = 1L;

  RunExistsException(Path directory) {
    super(directory + " already holds a run");
  }
}
