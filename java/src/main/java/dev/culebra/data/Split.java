package dev.culebra.data;

/** The parts of a corpus. */
public enum Split {
  /** The part used for training. */
  TRAIN,
  /** The part used only for evaluation. */
  VALIDATION
}
