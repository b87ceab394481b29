package dev.culebra.examples.report;

/** The number of run colours in the style sheet; they repeat after the last. */
final class Palette {
  static final int COLOURS = 8;

  private Palette() {}
}
