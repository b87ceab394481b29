package dev.culebra.train;

import dev.culebra.options.Worded;
import dev.culebra.options.Wording;

/** A run cannot go on: its loss is NaN or infinite. The last good checkpoint is kept. */
public final class TrainingStoppedException extends RuntimeException implements Worded {
  private static final long serialVersionUID = 1L;

  private final transient Wording wording;
  private final Kept kept;

  /** From where such a run can go on. */
  public enum Kept {
    /** It must begin anew. */
    NOTHING,
    /** The last checkpoint. */
    LAST,
    /** The best checkpoint, further from what went wrong, beside the last. */
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
