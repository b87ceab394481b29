package dev.culebra.backend;

/**
 * Is told of every call of a backend's operations, to profile it; see {@link Ops#listen}. What an
 * operation is made of are no calls.
 */
public interface OpListener {
  /** A call whose arguments are right begins. One that fails then never ends. */
  void begin();

  /** The call that began last is done, or on a GPU queued. */
  void end();

  /** What the call was that has just ended. */
  void called(OpCall call);
}
