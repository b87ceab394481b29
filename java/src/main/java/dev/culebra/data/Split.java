package dev.culebra.data;

/** The parts of a corpus. */
public enum Split {
  /** What the model learns from. */
  TRAIN,
  /** What it is only measured on. */
  VALIDATION
}
