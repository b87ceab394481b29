package dev.culebra.checkpoint;

import dev.culebra.options.Worded;
import dev.culebra.options.Wording;
import java.io.IOException;

/**
 * A file of a run is damaged or does not fit the run; the message is one line that names the file.
 */
public class CheckpointException extends IOException implements Worded {
  private static final long serialVersionUID = 1L;

  private final transient Wording wording;

  public CheckpointException(String message) {
    this(message, null);
  }

  CheckpointException(String message, Throwable cause) {
    this(Wording.plain(message), cause);
  }

  public CheckpointException(Wording wording) {
    this(wording, null);
  }

  private CheckpointException(Wording wording, Throwable cause) {
    super(wording.toString(), cause);
    this.wording = wording;
  }

  @Override
  public Wording wording() {
    return wording;
  }
}
