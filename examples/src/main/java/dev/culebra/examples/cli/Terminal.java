package dev.culebra.examples.cli;

import java.io.Console;

/** What standard output is. */
final class Terminal {
  private Terminal() {}

  /** Whether a person looks on: then a progress bar may redraw its line. */
  static boolean interactive() {
    Console console = System.console();
    return console != null && console.isTerminal() && !"dumb".equals(System.getenv("TERM"));
  }

  /** Whether to colour: on a terminal, unless the environment has NO_COLOR. */
  static boolean colour() {
    String noColour = System.getenv("NO_COLOR");
    return interactive() && (noColour == null || noColour.isEmpty());
  }
}
