package dev.culebra.train;

import dev.culebra.options.Worded;
import dev.culebra.options.Wording;

/** A run cannot go on: its loss is NaN or infinite. The last good checkpoint is kept. */
public final class TrainingStoppedException extends RuntimeException implements Worded {
  private static final long serialVersionUID = 1L;

  private final transient Wording wording;
  private final Kept kept;

  /** Where such a run can resume from. */
  public enum Kept {
    /** Nothing: it must start over. */
    NOTHING,
    /** The last checkpoint. */
    LAST,
    /** The last checkpoint, and the best one, which is further from what went wrong. */
    BEST
  }

  TrainingStoppedException(Wording wording, Kept kept) {
    super(wording.toString());
    this.wording = wording;
    this.kept = kept;
  }

  @Override
  public Wording wording() {
    return wording;
  }

  public Kept kept() {
    return kept;
  }
}
