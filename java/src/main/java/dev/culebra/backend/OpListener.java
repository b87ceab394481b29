package dev.culebra.backend;

/**
 * Receives every call of a backend's operations, for profiling; see {@link Ops#listen}. The steps
 * inside an operation are not reported.
 */
public interface OpListener {
  /** A call with valid arguments starts. If it then fails, {@link #end} is not called. */
  void begin();

  /** The last started call is done, or queued on a GPU. */
  void end();

  /** Describes the call that has just ended. */
  void called(OpCall call);
}
