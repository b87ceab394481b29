package dev.culebra.backend;

import java.util.function.Consumer;

/**
 * One call of an operation with fixed inputs. The body places the inputs in an {@link OpRun}, calls
 * the operation, and states the expected results.
 *
 * @param name the operation and its parameters: {@code linearForward N=3 IC=5}; also the seed of
 *     the case's random numbers
 */
record OpCase(String name, Consumer<OpRun> body) {
  /** The operation's name. */
  String op() {
    return name.substring(0, name.indexOf(' '));
  }

  @Override
  public String toString() {
    return name;
  }
}
