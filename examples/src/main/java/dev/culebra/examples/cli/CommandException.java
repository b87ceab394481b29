package dev.culebra.examples.cli;

/** A command cannot do what it was asked to; the message is the line that its user reads. */
final class CommandException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  CommandException(String message) {
    super(message);
  }

  CommandException(String message, Throwable cause) {
    super(message, cause);
  }
}
