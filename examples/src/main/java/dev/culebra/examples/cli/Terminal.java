package dev.culebra.examples.cli;

import java.io.Console;

/** Where standard error and standard output lead. */
final class Terminal {
  private Terminal() {}

  /** Whether a person sees standard error: then a progress bar may redraw its line there. */
  static boolean interactive() {
    // The launcher knows; Java itself can only tell of standard input and output together.
    String told = System.getProperty("culebra.terminal");
    return (told == null ? outputIsTerminal() : Boolean.parseBoolean(told)) && !isDumb();
  }

  private static boolean outputIsTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  private static boolean isDumb() {
    return "dumb".equals(System.getenv("TERM"));
  }

  /** Whether to colour standard output: on a terminal, unless the environment has NO_COLOR. */
  static boolean colour() {
    String noColour = System.getenv("NO_COLOR");
    return outputIsTerminal() && !isDumb() && (noColour == null || noColour.isEmpty());
  }
}
